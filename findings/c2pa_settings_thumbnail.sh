#!/bin/sh
# c2pa-python 0.38.1 (its library 0.91.3), Python 3.11 to 3.13.
#
# c2pa.load_settings takes {"builder": {"thumbnail": {"enabled": false}}} and raises nothing; the
# file that is signed next carries a thumbnail all the same. The same settings in a Context that is
# handed to the Builder leave it out. All that tells of it is a DeprecationWarning, which Python does
# not show outside of __main__: a program that signs in a module of its own puts a small copy of each
# picture into its manifest, where the person had asked for none.
#
# Guess before it was run: a setting of the process holds for every Builder until another one is
# made, and a call that does nothing any more raises.
# Why the guess misses: Builder and Reader read their settings from a Context since the library's
# settings were taken out of the thread; the old call is kept and has no reader.
#
# Seen: by load_settings the active manifest has a thumbnail, by a Context it has none.
#
# Exit status: 0 while it behaves so, 1 when it has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "c2pa-python==0.38.1" "pillow==12.3.0" "cryptography<51"
cat > "$folder/probe.py" <<'PROBE'
import datetime
import io
import json
import sys
import warnings

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

QUIET = {"builder": {"thumbnail": {"enabled": False}}}
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CREATED = {"action": "c2pa.created", "digitalSourceType": SOURCE}
MANIFEST = {
    "claim_generator_info": [{"name": "probe", "version": "1"}],
    "assertions": [{"label": "c2pa.actions", "data": {"actions": [CREATED]}}],
}


def certify(name, issuer, key, issuer_key, is_root):
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(not is_root, False, False, False, False, is_root, is_root, False, False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority, critical=False)
    )
    if not is_root:
        wanted = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        built = built.add_extension(wanted, critical=False)
    return built.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def build_signer():
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, one),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Probe"),
            ]
        )
        for one in ("signer", "root")
    ]
    chain = certify(names[0], names[1], keys[0], keys[1], False)
    chain += certify(names[1], names[1], keys[1], keys[1], True)
    private = keys[0].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(
            alg=c2pa.C2paSigningAlg.ES256, sign_cert=chain, private_key=private, ta_url=None
        )
    )


def has_thumbnail(builder):
    source, signed = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (64, 64), (200, 20, 20)).save(source, "PNG")
    source.seek(0)
    builder.sign(build_signer(), "image/png", source, signed)
    store = json.loads(c2pa.Reader("image/png", io.BytesIO(signed.getvalue())).json())
    return "thumbnail" in store["manifests"][store["active_manifest"]]


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    c2pa.load_settings(json.dumps(QUIET))
process = has_thumbnail(c2pa.Builder(json.dumps(MANIFEST)))
context = c2pa.Context(settings=c2pa.Settings.from_dict(QUIET))
handed = has_thumbnail(c2pa.Builder(json.dumps(MANIFEST), context=context))
print(f"thumbnail after load_settings: {process}, with a Context: {handed}")
sys.exit(0 if process and not handed else 1)
PROBE
"$folder/venv/bin/python" "$folder/probe.py"
