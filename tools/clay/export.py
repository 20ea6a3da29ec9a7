"""Write one trained UNet and the other parts as the folder that programs open: diffusers' layout, float16.

    python export.py --state STATE/whole --parts MODEL --out models/clay

The UNet is the average of the weights in the state. MODEL gives tokenizer, text_encoder, vae, clip and readers."""

import argparse
import os
import shutil

from data import load, save, write_json
from nets import Autoencoder, Clip, TextTower
from tokenizer import Tokenizer
from train_unet import trained


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--state", required=True)
    p.add_argument("--parts", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    unet, state = trained(a.state)
    save(unet, f"{a.out}/unet", unet.config(32))
    if os.path.abspath(a.parts) != os.path.abspath(a.out):
        vae = load(Autoencoder(), f"{a.parts}/vae")
        save(vae, f"{a.out}/vae", vae.config(256))
        text = load(TextTower(), f"{a.parts}/text_encoder", "model.safetensors", "text_model.")
        save(text, f"{a.out}/text_encoder", text.config(), "model.safetensors", "text_model.")
        clip = load(Clip(), f"{a.parts}/clip", "model.safetensors")
        save(clip, f"{a.out}/clip", clip.config(), "model.safetensors")
        for part in ("readers", "tokenizer"):
            if os.path.isdir(f"{a.parts}/{part}"):
                shutil.copytree(f"{a.parts}/{part}", f"{a.out}/{part}", dirs_exist_ok=True)
    write_tokenizer(a.out)
    write_json({"_class_name": "DDIMScheduler", "_diffusers_version": "0.15.0", "beta_end": 0.012,
                "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": False,
                "num_train_timesteps": 1000, "prediction_type": "epsilon", "set_alpha_to_one": False,
                "steps_offset": 1, "trained_betas": None}, folder(a.out, "scheduler") + "/scheduler_config.json")
    write_json({"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.15.0",
                "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
                "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
                "vae": ["diffusers", "AutoencoderKL"], "safety_checker": [None, None],
                "feature_extractor": [None, None], "requires_safety_checker": False}, f"{a.out}/model_index.json")
    write_json({"crop_size": 128, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True,
                "do_resize": True, "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": list(Clip.MEAN),
                "image_std": list(Clip.STD), "resample": 3, "size": 128}, f"{a.out}/clip/preprocessor_config.json")
    files = [os.path.join(d, f) for d, _, names in os.walk(a.out) for f in names]
    sizes = [os.path.getsize(f) for f in files]
    print(f"step {int(state['step'])}: {sum(sizes) / 1e6:.1f} MB in {len(files)} files, the largest {max(sizes) / 1e6:.1f}")


def folder(*parts):
    os.makedirs(os.path.join(*parts), exist_ok=True)
    return os.path.join(*parts)


def write_tokenizer(out):
    Tokenizer(f"{out}/tokenizer")  # complains if it cannot be read
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
               "unk_token": "<|endoftext|>"}
    write_json(special, f"{out}/tokenizer/special_tokens_map.json")
    write_json({"add_prefix_space": False, "do_lower_case": True, "errors": "replace", "model_max_length": 77,
                "tokenizer_class": "CLIPTokenizer", **special}, f"{out}/tokenizer/tokenizer_config.json")


if __name__ == "__main__":
    main()
