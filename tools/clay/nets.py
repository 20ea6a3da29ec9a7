"""The networks of a small Stable Diffusion, spelled as the checkpoints spell them.

Every module's name is the key that diffusers (0.15) and transformers (4.30) write, so `state_dict()` of these classes
is the checkpoint and nothing has to be renamed. Only what SD 1.x uses is here: no options that a file could choose.
Shapes are [n, c, h, w] and, inside attention, [n, tokens, c]."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Bag(nn.Module):
    """A place in the checkpoint: parts under the names it gives them."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


def conv3(i, o, stride=1, padding=1):
    return nn.Conv2d(i, o, 3, stride, padding)


def attention(q, k, v, heads, seen=None):
    """softmax(q k' / sqrt(d)) v for every head; `seen` gets the softmax. Plain products: on a CPU the fused bfloat16
    kernel's backward pass is slower than these few tokens deserve."""
    n, tokens, c = q.shape
    q, k, v = (x.view(n, x.shape[1], heads, c // heads).transpose(1, 2) for x in (q, k, v))
    if q.is_cuda and seen is None:
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, c)
    p = torch.softmax(q @ k.transpose(2, 3) * (c // heads) ** -0.5, -1)
    if seen is not None:
        seen.append(p)
    return (p @ v).transpose(1, 2).reshape(n, tokens, c)


# ---- the UNet

class Resnet(nn.Module):
    def __init__(self, i, o, groups, time=None, eps=1e-5):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, i, eps), conv3(i, o)
        self.time_emb_proj = nn.Linear(time, o) if time else None
        self.norm2, self.conv2 = nn.GroupNorm(groups, o, eps), conv3(o, o)
        self.conv_shortcut = nn.Conv2d(i, o, 1) if i != o else None

    def forward(self, x, temb=None):
        h = self.conv1(F.silu(self.norm1(x)))
        if self.time_emb_proj is not None:
            h = h + self.time_emb_proj(F.silu(temb))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class CrossAttention(nn.Module):
    def __init__(self, c, context, heads):
        super().__init__()
        self.heads, self.seen = heads, None  # a list, where somebody wants to know what was looked at
        self.to_q = nn.Linear(c, c, bias=False)
        self.to_k = nn.Linear(context, c, bias=False)
        self.to_v = nn.Linear(context, c, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(c, c)])

    def forward(self, x, context):
        return self.to_out[0](attention(self.to_q(x), self.to_k(context), self.to_v(context), self.heads, self.seen))


class FeedForward(nn.Module):
    """GEGLU, four times as wide inside."""

    def __init__(self, c):
        super().__init__()
        self.net = nn.ModuleList([Bag(proj=nn.Linear(c, 8 * c)), nn.Identity(), nn.Linear(4 * c, c)])

    def forward(self, x):
        h, gate = self.net[0].proj(x).chunk(2, -1)
        return self.net[2](h * F.gelu(gate))


class TransformerBlock(nn.Module):
    def __init__(self, c, text, heads):
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(c), CrossAttention(c, c, heads)
        self.norm2, self.attn2 = nn.LayerNorm(c), CrossAttention(c, text, heads)
        self.norm3, self.ff = nn.LayerNorm(c), FeedForward(c)

    def forward(self, x, text):
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), text)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, c, text, heads, groups):
        super().__init__()
        self.norm, self.proj_in = nn.GroupNorm(groups, c, 1e-6), nn.Conv2d(c, c, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(c, text, heads)])
        self.proj_out = nn.Conv2d(c, c, 1)

    def forward(self, x, text):
        n, c, h, w = x.shape
        y = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(n, h * w, c)
        y = self.transformer_blocks[0](y, text)
        return x + self.proj_out(y.view(n, h, w, c).permute(0, 3, 1, 2))


class UNet(nn.Module):
    def __init__(self, widths=(64, 96, 128, 96), heads=2, groups=8, text=128):
        super().__init__()
        self.widths, self.heads, self.groups, self.text = tuple(widths), heads, groups, text
        w0, time, last = widths[0], 4 * widths[0], len(widths) - 1
        self.conv_in = conv3(4, w0)
        self.time_embedding = Bag(linear_1=nn.Linear(w0, time), linear_2=nn.Linear(time, time))
        skips, c = [w0], w0
        self.down_blocks, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        for level, w in enumerate(widths):
            block = Bag(resnets=nn.ModuleList([Resnet(c if j == 0 else w, w, groups, time) for j in range(2)]))
            if level < last:
                block.attentions = nn.ModuleList([Transformer(w, text, heads, groups) for _ in range(2)])
                block.downsamplers = nn.ModuleList([Bag(conv=conv3(w, w, 2))])
            self.down_blocks.append(block)
            skips += [w, w] + [w] * (level < last)
            c = w
        self.mid_block = Bag(resnets=nn.ModuleList([Resnet(c, c, groups, time) for _ in range(2)]),
                             attentions=nn.ModuleList([Transformer(c, text, heads, groups)]))
        for level in reversed(range(len(widths))):
            w, block = widths[level], Bag(resnets=nn.ModuleList())
            for j in range(3):
                block.resnets.append(Resnet((c if j == 0 else w) + skips.pop(), w, groups, time))
            if level < last:
                block.attentions = nn.ModuleList([Transformer(w, text, heads, groups) for _ in range(3)])
            if level:
                block.upsamplers = nn.ModuleList([Bag(conv=conv3(w, w))])
            self.up_blocks.append(block)
            c = w
        self.conv_norm_out, self.conv_out = nn.GroupNorm(groups, w0), conv3(w0, 4)

    def forward(self, x, t, text):
        """The noise in x: [n, 4, h, w] at steps t: [n], told text: [n, 77, width]."""
        x = self.walk(self.conv_in(x), self.embed(t, x.dtype), text)
        return self.conv_out(F.silu(self.conv_norm_out(x)))

    def embed(self, t, dtype):
        half = self.widths[0] // 2
        angle = t[:, None].float() * torch.exp(-math.log(10000) / half * torch.arange(half, device=t.device))
        temb = torch.cat([angle.cos(), angle.sin()], 1).to(dtype)
        return self.time_embedding.linear_2(F.silu(self.time_embedding.linear_1(temb)))

    def walk(self, x, temb, text, first=0):
        """Down from level `first`, through the middle, and up to it again."""
        levels, skips = range(first, len(self.widths)), [x]
        for level in levels:
            block = self.down_blocks[level]
            for j, resnet in enumerate(block.resnets):
                x = resnet(x, temb)
                if hasattr(block, "attentions"):
                    x = block.attentions[j](x, text)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0].conv(x)
                skips.append(x)
        x = self.mid_block.resnets[0](x, temb)
        x = self.mid_block.attentions[0](x, text)
        x = self.mid_block.resnets[1](x, temb)
        for level in reversed(levels):
            block = self.up_blocks[-1 - level]
            for j, resnet in enumerate(block.resnets):
                x = resnet(torch.cat([x, skips.pop()], 1), temb)
                if hasattr(block, "attentions"):
                    x = block.attentions[j](x, text)
            if level > first:
                x = block.upsamplers[0].conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return x

    def config(self, size):
        return {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.15.0", "act_fn": "silu",
                "attention_head_dim": self.heads, "block_out_channels": list(self.widths),
                "center_input_sample": False, "cross_attention_dim": self.text,
                "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"], "downsample_padding": 1,
                "flip_sin_to_cos": True, "freq_shift": 0, "in_channels": 4, "layers_per_block": 2,
                "mid_block_scale_factor": 1, "norm_eps": 1e-05, "norm_num_groups": self.groups, "out_channels": 4,
                "sample_size": size, "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3}


class InnerUNet(nn.Module):
    """A UNet without its outermost level, which is most of its work: a denoiser of latents averaged 2 x 2, with an
    entrance and an exit of its own that are thrown away afterwards. Figures have the size, in tokens, that they have at
    this depth of the whole UNet, so what is learned here stays true there. The noise is averaged too, hence halved: the
    same t is the same noise for both.

    `grown`: with the whole UNet's entrance (the outermost level's branches being nothing yet), on whole latents."""

    def __init__(self, unet, grown=False):
        super().__init__()
        self.unet, self.grown = unet, grown
        self.norm, self.leave = nn.GroupNorm(unet.groups, unet.widths[1]), conv3(unet.widths[1], 4)
        for part in [unet.conv_norm_out, unet.conv_out, unet.up_blocks[3], unet.up_blocks[2].upsamplers,
                     unet.down_blocks[0].resnets, unet.down_blocks[0].attentions]:
            part.requires_grad_(False)
        if not grown:
            self.enter = conv3(4, unet.widths[0])
            unet.conv_in.requires_grad_(False)
            unet.down_blocks[0].downsamplers.requires_grad_(False)

    def forward(self, x, t, text):
        x = self.unet.down_blocks[0].downsamplers[0].conv(self.unet.conv_in(x)) if self.grown else self.enter(x)
        x = self.unet.walk(x, self.unet.embed(t, x.dtype), text, first=1)
        return self.leave(F.silu(self.norm(x)))


class OuterUNet(nn.Module):
    """A UNet whose inner levels stay as they are while its outermost level learns to use them. On the way down that level
    passes on what it got, as its branches are still nothing; so only the way up has gradients, and the inner levels
    keep what they know of figures."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet.requires_grad_(False)
        self.outer = [unet.up_blocks[2].upsamplers, unet.up_blocks[3], unet.conv_norm_out, unet.conv_out]
        for part in self.outer:
            part.requires_grad_(True)

    def forward(self, x, t, text):
        with torch.no_grad():
            temb, skip = self.unet.embed(t, x.dtype), self.unet.conv_in(x)
            x = self.unet.walk(self.unet.down_blocks[0].downsamplers[0].conv(skip), temb, text, first=1)
        up = self.unet.up_blocks[3]
        x = self.unet.up_blocks[2].upsamplers[0].conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        for resnet, transformer in zip(up.resnets, up.attentions):
            x = transformer(resnet(torch.cat([x, skip], 1), temb), text)
        return self.unet.conv_out(F.silu(self.unet.conv_norm_out(x)))


# ---- the autoencoder

class PixelAttention(nn.Module):
    def __init__(self, c, groups):
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, c, 1e-6)
        self.query, self.key, self.value, self.proj_attn = (nn.Linear(c, c) for _ in range(4))

    def forward(self, x):
        n, c, h, w = x.shape
        y = self.group_norm(x).permute(0, 2, 3, 1).reshape(n, h * w, c)
        y = self.proj_attn(attention(self.query(y), self.key(y), self.value(y), 1))
        return x + y.view(n, h, w, c).permute(0, 3, 1, 2)


def middle(c, groups):
    return Bag(resnets=nn.ModuleList([Resnet(c, c, groups, eps=1e-6) for _ in range(2)]),
               attentions=nn.ModuleList([PixelAttention(c, groups)]))


def through_middle(m, x):
    return m.resnets[1](m.attentions[0](m.resnets[0](x)))


class Encoder(nn.Module):
    def __init__(self, widths, groups):
        super().__init__()
        self.conv_in, self.down_blocks, c = conv3(3, widths[0]), nn.ModuleList(), widths[0]
        for level, w in enumerate(widths):
            block = Bag(resnets=nn.ModuleList([Resnet(c if j == 0 else w, w, groups, eps=1e-6) for j in range(2)]))
            if level < len(widths) - 1:
                block.downsamplers = nn.ModuleList([Bag(conv=conv3(w, w, 2, 0))])
            self.down_blocks.append(block)
            c = w
        self.mid_block = middle(c, groups)
        self.conv_norm_out, self.conv_out = nn.GroupNorm(groups, c, 1e-6), conv3(c, 8)

    def forward(self, x):
        x = self.conv_in(x)
        for block in self.down_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0].conv(F.pad(x, (0, 1, 0, 1)))  # right and below only, as SD pads
        return self.conv_out(F.silu(self.conv_norm_out(through_middle(self.mid_block, x))))


class Decoder(nn.Module):
    def __init__(self, widths, groups):
        super().__init__()
        c = widths[-1]
        self.conv_in, self.mid_block, self.up_blocks = conv3(4, c), middle(c, groups), nn.ModuleList()
        for level in reversed(range(len(widths))):
            w = widths[level]
            block = Bag(resnets=nn.ModuleList([Resnet(c if j == 0 else w, w, groups, eps=1e-6) for j in range(3)]))
            if level:
                block.upsamplers = nn.ModuleList([Bag(conv=conv3(w, w))])
            self.up_blocks.append(block)
            c = w
        self.conv_norm_out, self.conv_out = nn.GroupNorm(groups, c, 1e-6), conv3(c, 3)

    def forward(self, z):
        x = through_middle(self.mid_block, self.conv_in(z))
        for block in self.up_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0].conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Autoencoder(nn.Module):
    """AutoencoderKL: pictures [n, 3, 8h, 8w] in [-1, 1] to the mean and log variance of latents [n, 4, h, w]."""

    SCALE = 0.18215

    def __init__(self, widths=(32, 64, 64, 128), groups=4):
        super().__init__()
        self.widths, self.groups = tuple(widths), groups
        self.encoder, self.decoder = Encoder(widths, groups), Decoder(widths, groups)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(8, 8, 1), nn.Conv2d(4, 4, 1)

    def encode(self, x):
        return self.quant_conv(self.encoder(x)).chunk(2, 1)

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))

    def forward(self, x, noise):
        """Training's whole way: the picture again, and the mean and log variance it went through."""
        mean, logvar = self.encode(x)
        return self.decode(mean + torch.exp(0.5 * logvar) * noise), mean, logvar

    def config(self, size):
        n = len(self.widths)
        return {"_class_name": "AutoencoderKL", "_diffusers_version": "0.15.0", "act_fn": "silu",
                "block_out_channels": list(self.widths), "down_block_types": ["DownEncoderBlock2D"] * n,
                "in_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": self.groups,
                "out_channels": 3, "sample_size": size, "scaling_factor": self.SCALE,
                "up_block_types": ["UpDecoderBlock2D"] * n}


# ---- CLIP

class SelfAttention(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads = heads
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (nn.Linear(c, c) for _ in range(4))

    def forward(self, x, causal):
        n, tokens, c = x.shape
        q, k, v = (p(x).view(n, tokens, self.heads, -1).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out_proj(y.transpose(1, 2).reshape(n, tokens, c))


class ClipLayer(nn.Module):
    def __init__(self, c, heads, inner):
        super().__init__()
        self.self_attn, self.layer_norm1 = SelfAttention(c, heads), nn.LayerNorm(c)
        self.mlp, self.layer_norm2 = Bag(fc1=nn.Linear(c, inner), fc2=nn.Linear(inner, c)), nn.LayerNorm(c)

    def forward(self, x, causal):
        x = x + self.self_attn(self.layer_norm1(x), causal)
        h = self.mlp.fc1(self.layer_norm2(x))
        return x + self.mlp.fc2(h * torch.sigmoid(1.702 * h))


def clip_layers(c, heads, inner, layers):
    return Bag(layers=nn.ModuleList([ClipLayer(c, heads, inner) for _ in range(layers)]))


class TextTower(nn.Module):
    def __init__(self, vocabulary=820, c=128, heads=4, layers=4):
        super().__init__()
        self.vocabulary, self.c, self.heads, self.layers = vocabulary, c, heads, layers
        self.embeddings = Bag(token_embedding=nn.Embedding(vocabulary, c), position_embedding=nn.Embedding(77, c))
        self.embeddings.register_buffer("position_ids", torch.arange(77)[None])
        self.encoder, self.final_layer_norm = clip_layers(c, heads, 4 * c, layers), nn.LayerNorm(c)

    def forward(self, ids):
        e = self.embeddings
        x = e.token_embedding(ids) + e.position_embedding.weight[: ids.shape[1]]
        for layer in self.encoder.layers:
            x = layer(x, True)
        return self.final_layer_norm(x)

    def config(self):
        return {"architectures": ["CLIPTextModel"], "attention_dropout": 0.0, "bos_token_id": self.vocabulary - 2,
                "eos_token_id": self.vocabulary - 1, "hidden_act": "quick_gelu", "hidden_size": self.c,
                "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 4 * self.c,
                "layer_norm_eps": 1e-05, "max_position_embeddings": 77, "model_type": "clip_text_model",
                "num_attention_heads": self.heads, "num_hidden_layers": self.layers,
                "pad_token_id": self.vocabulary - 1, "projection_dim": 128, "torch_dtype": "float16",
                "vocab_size": self.vocabulary}


class ImageTower(nn.Module):
    def __init__(self, c=160, heads=5, layers=4, size=128, patch=16):
        super().__init__()
        self.c, self.heads, self.layers, self.size, self.patch = c, heads, layers, size, patch
        places = (size // patch) ** 2 + 1
        self.embeddings = Bag(patch_embedding=nn.Conv2d(3, c, patch, patch, bias=False),
                              position_embedding=nn.Embedding(places, c))
        self.embeddings.class_embedding = nn.Parameter(torch.randn(c) * c**-0.5)
        self.embeddings.register_buffer("position_ids", torch.arange(places)[None])
        self.pre_layrnorm, self.post_layernorm = nn.LayerNorm(c), nn.LayerNorm(c)  # sic: the checkpoints' spelling
        self.encoder = clip_layers(c, heads, 4 * c, layers)

    def forward(self, x):
        e = self.embeddings
        x = e.patch_embedding(x).flatten(2).transpose(1, 2)
        x = torch.cat([e.class_embedding.expand(len(x), 1, -1), x], 1) + e.position_embedding.weight
        x = self.pre_layrnorm(x)
        for layer in self.encoder.layers:
            x = layer(x, False)
        return self.post_layernorm(x[:, 0])


class Clip(nn.Module):
    """Pictures [n, 3, size, size], normalised with MEAN and STD, and tokens [n, 77] into one space."""

    MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)

    def __init__(self, joint=128, vocabulary=820):
        super().__init__()
        self.text_model, self.vision_model = TextTower(vocabulary), ImageTower()
        self.text_projection = nn.Linear(self.text_model.c, joint, bias=False)
        self.visual_projection = nn.Linear(self.vision_model.c, joint, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.6592))

    def image(self, x):
        return F.normalize(self.visual_projection(self.vision_model(x)), dim=-1)

    def text(self, ids):
        """<|endoftext|> has the highest number and its first place sums the sentence up."""
        x = self.text_model(ids)
        return F.normalize(self.text_projection(x[torch.arange(len(ids)), ids.argmax(1)]), dim=-1)

    def config(self):
        v, t = self.vision_model, self.text_model.config()
        v = {"hidden_act": "quick_gelu", "hidden_size": v.c, "image_size": v.size, "intermediate_size": 4 * v.c,
             "layer_norm_eps": 1e-05, "model_type": "clip_vision_model", "num_attention_heads": v.heads,
             "num_channels": 3, "num_hidden_layers": v.layers, "patch_size": v.patch, "projection_dim": 128}
        return {"architectures": ["CLIPModel"], "logit_scale_init_value": 2.6592, "model_type": "clip",
                "projection_dim": 128, "text_config": t, "torch_dtype": "float16", "vision_config": v}
