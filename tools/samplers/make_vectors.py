"""Trajectories of diffusers' schedulers with a formula in place of the network, for tests/diffuse/test_samplers.c.

    python3 make_vectors.py OUT     with diffusers 0.15.0 on the module path, then again with 0.27.2

adds OUT/vectors-VERSION.json and OUT/vectors-VERSION.safetensors. The "network" is 0.3 x + sin(t / 100) + 0.1 cos(place) on
what a network would see, so every timestep, scaling and coefficient shows in the result.
"""
import inspect
import json
import os
import sys

import diffusers as d
import torch
from safetensors.torch import save_file

SD = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000)
GRID = dict(SD, clip_sample=False, set_alpha_to_one=False, steps_offset=1)
PNDM = dict(SD, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1)
COUNT, SEED = 20, 7
V = dict(prediction_type="v_prediction")
KARRAS, LEADING, TRAILING = dict(use_karras_sigmas=True), dict(timestep_spacing="leading", steps_offset=1), dict(timestep_spacing="trailing")
DPM = d.DPMSolverMultistepScheduler

OLD = {
    "ddim": (d.DDIMScheduler, GRID, [1, 5, 7, 30], {}),
    "ddim one": (d.DDIMScheduler, dict(GRID, set_alpha_to_one=True), [6], {}),
    "ddim eta": (d.DDIMScheduler, GRID, [6], {"eta": 0.7}),
    "ddim eta one": (d.DDIMScheduler, dict(GRID, set_alpha_to_one=True, steps_offset=0), [6], {"eta": 1.0}),
    "ddim v": (d.DDIMScheduler, dict(GRID, **V), [6], {}),
    "ddim sample": (d.DDIMScheduler, dict(GRID, prediction_type="sample"), [6], {}),
    "pndm": (d.PNDMScheduler, PNDM, [1, 2, 3, 7, 30], {}),
    "pndm v": (d.PNDMScheduler, dict(PNDM, **V), [7], {}),
    "ddpm": (d.DDPMScheduler, dict(SD, clip_sample=False), [7], {}),
    "ddpm v": (d.DDPMScheduler, dict(SD, clip_sample=False, **V), [7], {}),
    "lms": (d.LMSDiscreteScheduler, SD, [2, 7, 30], {}),
    "lms v": (d.LMSDiscreteScheduler, dict(SD, **V), [7], {}),
    "euler": (d.EulerDiscreteScheduler, SD, [2, 7], {}),
    "euler v": (d.EulerDiscreteScheduler, dict(SD, **V), [7], {}),
    "euler sample": (d.EulerDiscreteScheduler, dict(SD, prediction_type="sample"), [7], {}),
    "euler linear": (d.EulerDiscreteScheduler, dict(SD, beta_schedule="linear"), [7], {}),
    "euler a": (d.EulerAncestralDiscreteScheduler, SD, [7], {}),
    "euler a v": (d.EulerAncestralDiscreteScheduler, dict(SD, **V), [7], {}),
    "heun": (d.HeunDiscreteScheduler, SD, [7, 12], {}),
    "heun v": (d.HeunDiscreteScheduler, dict(SD, **V), [7], {}),
    "dpm2": (d.KDPM2DiscreteScheduler, SD, [2, 7], {}),
    "dpm2 v": (d.KDPM2DiscreteScheduler, dict(SD, **V), [7], {}),
    "dpm2 a": (d.KDPM2AncestralDiscreteScheduler, SD, [7, 12], {}),
    "dpm2 a v": (d.KDPM2AncestralDiscreteScheduler, dict(SD, **V), [7], {}),
    "dpm++ 2m": (DPM, SD, [2, 7, 20], {}),
    "dpm++ 2m v": (DPM, dict(SD, **V), [7], {}),
    "dpm++ 3m": (DPM, dict(SD, solver_order=3), [3, 7, 20], {}),
    "dpm++ 2m heun": (DPM, dict(SD, solver_type="heun"), [7, 20], {}),
    "dpm++ 2s": (d.DPMSolverSinglestepScheduler, SD, [2, 7, 8], {}),
    "dpm++ 2s v": (d.DPMSolverSinglestepScheduler, dict(SD, **V), [7], {}),
    "deis": (d.DEISMultistepScheduler, SD, [2, 7, 20], {}),
    "deis v": (d.DEISMultistepScheduler, dict(SD, **V), [7], {}),
    "unipc": (d.UniPCMultistepScheduler, SD, [2, 3, 7, 20], {}),
    "unipc v": (d.UniPCMultistepScheduler, dict(SD, **V), [7], {}),
}


def new():
    ddim = {k: v for k, v in GRID.items() if k != "steps_offset"}
    pndm = {k: v for k, v in PNDM.items() if k != "steps_offset"}
    sde, least = dict(SD, algorithm_type="sde-dpmsolver++"), dict(final_sigmas_type="sigma_min")
    runs = {
        "ddim trailing": (d.DDIMScheduler, dict(ddim, **TRAILING), [7], {}),
        "ddim linspace": (d.DDIMScheduler, dict(ddim, timestep_spacing="linspace"), [7], {}),
        "pndm trailing": (d.PNDMScheduler, dict(pndm, **TRAILING), [7], {}),
        "pndm linspace": (d.PNDMScheduler, dict(pndm, timestep_spacing="linspace"), [7], {}),
        "dpm++ 2m": (DPM, SD, [2, 7, 20], {}),
        "dpm++ 2m least": (DPM, dict(SD, **least), [7, 20], {}),
        "dpm++ 2m euler": (DPM, dict(SD, euler_at_final=True, **least), [7, 20], {}),
        "dpm++ 2m karras least": (DPM, dict(SD, **KARRAS, **least), [7, 20], {}),
        "dpm++ 2m leading": (DPM, dict(SD, **LEADING), [7], {}),
        "dpm++ 2m trailing": (DPM, dict(SD, **TRAILING), [7], {}),
        "dpm++ 3m": (DPM, dict(SD, solver_order=3), [7, 20], {}),
        "dpm++ 2m sde": (DPM, sde, [7, 20], {}),
        "dpm++ 2m sde v": (DPM, dict(sde, **V), [7], {}),
        "dpm++ 2m sde karras": (DPM, dict(sde, **KARRAS), [7], {}),
        "dpm++ 2s": (d.DPMSolverSinglestepScheduler, SD, [7, 8], {}),
        "dpm++ 2s karras": (d.DPMSolverSinglestepScheduler, dict(SD, **KARRAS), [7], {}),
        "lcm": (d.LCMScheduler, SD, [1, 4, 7, 50], {}),
        "lcm v": (d.LCMScheduler, dict(SD, **V), [4], {}),
        "unipc leading": (d.UniPCMultistepScheduler, dict(SD, **LEADING), [7], {}),
    }
    for name, cls in (("euler", d.EulerDiscreteScheduler), ("lms", d.LMSDiscreteScheduler), ("heun", d.HeunDiscreteScheduler),
                      ("dpm2", d.KDPM2DiscreteScheduler), ("dpm2 a", d.KDPM2AncestralDiscreteScheduler)):
        runs[name + " leading"] = (cls, dict(SD, **LEADING), [7], {})
        runs[name + " trailing"] = (cls, dict(SD, **TRAILING), [7], {})
        runs[name + " karras"] = (cls, dict(SD, **KARRAS), [7], {})
    runs["euler karras leading"] = (d.EulerDiscreteScheduler, dict(SD, **KARRAS, **LEADING), [7], {})
    runs["euler a trailing"] = (d.EulerAncestralDiscreteScheduler, dict(SD, **TRAILING), [7], {})
    for name, cls in (("dpm++ 2m", DPM), ("unipc", d.UniPCMultistepScheduler), ("deis", d.DEISMultistepScheduler)):
        runs[name + " karras"] = (cls, dict(SD, **KARRAS), [7], {})
    return runs


def network(x, t):
    place = torch.arange(x.numel(), dtype=torch.float32).reshape(x.shape)
    return 0.3 * x + torch.sin(torch.as_tensor(float(t), dtype=torch.float32) / 100) + 0.1 * torch.cos(place)


def run(cls, settings, steps, arguments):
    s = cls(**settings)
    s.set_timesteps(steps)
    g = torch.Generator().manual_seed(SEED + 1)
    if "generator" in inspect.signature(s.step).parameters:
        arguments = dict(arguments, generator=g)
    x = torch.randn((1, 1, 4, COUNT // 4), generator=torch.Generator().manual_seed(SEED)) * s.init_noise_sigma
    states = [x]
    for t in s.timesteps:
        x = s.step(network(s.scale_model_input(x, t), t), t, x, **arguments).prev_sample
        states.append(x)
    row = {"scheduler": cls.__name__, "settings": settings, "steps": steps, "timesteps": [float(t) for t in s.timesteps],
           "init_noise_sigma": float(s.init_noise_sigma)}
    if hasattr(s, "sigmas") and len(s.sigmas) < 200:
        row["sigmas"] = [float(v) for v in s.sigmas]
    return row, torch.stack([v.reshape(-1) for v in states]).float()


def main():
    info, arrays = {"library": "diffusers " + d.__version__, "count": COUNT, "seed": SEED, "runs": {}}, {}
    for name, (cls, settings, counts, arguments) in (OLD if d.__version__ == "0.15.0" else new()).items():
        for n in counts:
            row, states = run(cls, settings, n, arguments)
            info["runs"][f"{name} {n}"] = dict(row, **{k: v for k, v in arguments.items()})
            arrays[f"{name} {n}"] = states
    stem = os.path.join(sys.argv[1], "vectors-" + d.__version__)
    save_file(arrays, stem + ".safetensors")
    with open(stem + ".json", "w") as f:
        rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in info.pop("runs").items())
        f.write(json.dumps(info)[:-1] + ', "runs": {\n' + rows + "}}\n")


torch.set_num_threads(1)
main()
