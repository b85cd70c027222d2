"""Where a plan's layer lies in the pictures that it makes: an object that is moved is to be sought
at its new place.
"""

from __future__ import annotations

from backend.plan.plan import OneLayer, Plan


def move_layer(plan: Plan) -> Plan:
    """The plan with its layer where "move" puts it; every other plan as it is.

    A painted mask stays where it was painted, so a layer that has one is left out: nothing is said
    of it.
    """
    if plan.method != "move" or not isinstance(plan.target, OneLayer):
        return plan
    dx_px, dy_px = (float(plan.options.get(name, 0)) for name in ("dx_px", "dy_px"))
    layers = tuple(
        layer.model_copy(
            update={
                "placement": layer.placement.model_copy(
                    update={
                        "centre_x_px": layer.placement.centre_x_px + dx_px,
                        "centre_y_px": layer.placement.centre_y_px + dy_px,
                    }
                )
            }
        )
        for layer in plan.layers
        if layer.mask is None
    )
    return plan.model_copy(update={"layers": layers})
