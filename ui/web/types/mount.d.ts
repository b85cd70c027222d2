// What Gradio and ui/editor.py give to ui/mount.js, whose text becomes the body of a function. ESLint
// knows these names in that file alone.

declare const element: HTMLElement;
declare const server: { ask(message: unknown): Promise<any> };
declare const settings: { folder: string; maxMessage: number; maxUpload: number };
declare function upload(file: File): Promise<{ path?: string } | null>;

interface Window {
  gradio_config?: { root?: string };
}
