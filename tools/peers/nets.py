"""Stable Diffusion 1.x's networks in PyTorch, with the checkpoint's own names, for timing beside selfsame.

Written as PyTorch wants it on a processor: channels last, F.scaled_dot_product_attention, everything else by its own
operations. The weights of a checkpoint in the diffusers layout fit exactly (load_state_dict is strict).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


def attend(q, k, v, heads, causal=False):
    n, length, d = q.shape
    q, k, v = (t.view(n, -1, heads, d // heads).transpose(1, 2) for t in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).reshape(n, length, d)


def tokens(x):
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def pixels(y, h, w):
    return y.unflatten(1, (h, w)).permute(0, 3, 1, 2)


class Resnet(nn.Module):
    def __init__(self, c, o, temb=0, eps=1e-5):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(32, c, eps), nn.Conv2d(c, o, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(32, o, eps), nn.Conv2d(o, o, 3, padding=1)
        if temb:
            self.time_emb_proj = nn.Linear(temb, o)
        if c != o:
            self.conv_shortcut = nn.Conv2d(c, o, 1)

    def forward(self, x, temb=None):
        h = self.conv1(F.silu(self.norm1(x)))
        if temb is not None:
            h = h + self.time_emb_proj(temb)[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class Attention(nn.Module):
    def __init__(self, d, seen, heads, bias=False):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = nn.Linear(d, d, bias), nn.Linear(seen, d, bias), nn.Linear(seen, d, bias)
        self.to_out = nn.ModuleList([nn.Linear(d, d)])

    def forward(self, x, seen):
        return self.to_out[0](attend(self.to_q(x), self.to_k(seen), self.to_v(seen), self.heads))


class Gate(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.proj = nn.Linear(d, 8 * d)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.net = nn.ModuleList([Gate(d), nn.Identity(), nn.Linear(4 * d, d)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class Block(nn.Module):
    def __init__(self, d, text, heads):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(d), nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn1, self.attn2, self.ff = Attention(d, d, heads), Attention(d, text, heads), FeedForward(d)

    def forward(self, x, text):
        h = self.norm1(x)
        x = x + self.attn1(h, h)
        x = x + self.attn2(self.norm2(x), text)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, d, text, heads):
        super().__init__()
        self.norm = nn.GroupNorm(32, d, 1e-6)
        self.proj_in, self.proj_out = nn.Conv2d(d, d, 1), nn.Conv2d(d, d, 1)
        self.transformer_blocks = nn.ModuleList([Block(d, text, heads)])

    def forward(self, x, text):
        h, w = x.shape[2:]
        y = self.transformer_blocks[0](tokens(self.proj_in(self.norm(x))), text)
        return x + self.proj_out(pixels(y, h, w))


class Sampler(nn.Module):
    """A convolution on the way to another size; `pad` for the autoencoder, which pads right and below only."""

    def __init__(self, c, stride, pad=1):
        super().__init__()
        self.conv, self.pad = nn.Conv2d(c, c, 3, stride=stride, padding=pad), pad

    def forward(self, x):
        if self.conv.stride[0] == 1:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.conv(x if self.pad else F.pad(x, (0, 1, 0, 1)))


class Level(nn.Module):
    def __init__(self, resnets, attentions=(), down=None, up=None):
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        if attentions:
            self.attentions = nn.ModuleList(attentions)
        if down:
            self.downsamplers = nn.ModuleList([down])
        if up:
            self.upsamplers = nn.ModuleList([up])

    def layer(self, i, x, temb, text):
        x = self.resnets[i](x, temb)
        return self.attentions[i](x, text) if hasattr(self, "attentions") else x


class TimeEmbedding(nn.Module):
    def __init__(self, c, o):
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(c, o), nn.Linear(o, o)

    def forward(self, x):
        return self.linear_2(F.silu(self.linear_1(x)))


class UNet(nn.Module):
    def __init__(self, widths=(320, 640, 1280, 1280), text=768, heads=8):
        super().__init__()
        temb = 4 * widths[0]
        self.width = widths[0]
        self.conv_in = nn.Conv2d(4, widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(widths[0], temb)
        self.down_blocks, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        skips, c = [widths[0]], widths[0]
        for i, o in enumerate(widths):
            resnets = [Resnet(c, o, temb), Resnet(o, o, temb)]
            attentions = [Transformer(o, text, heads) for _ in range(2)] if i < 3 else ()
            self.down_blocks.append(Level(resnets, attentions, down=Sampler(o, 2) if i < 3 else None))
            skips += [o, o] + ([o] if i < 3 else [])
            c = o
        self.mid_block = Level([Resnet(c, c, temb), Resnet(c, c, temb)], [Transformer(c, text, heads)])
        for i, o in enumerate(reversed(widths)):
            resnets = []
            for _ in range(3):
                resnets.append(Resnet(c + skips.pop(), o, temb))
                c = o
            attentions = [Transformer(o, text, heads) for _ in range(3)] if i else ()
            self.up_blocks.append(Level(resnets, attentions, up=Sampler(o, 1) if i < 3 else None))
        self.conv_norm_out, self.conv_out = nn.GroupNorm(32, c, 1e-5), nn.Conv2d(c, 4, 3, padding=1)

    def forward(self, x, t, text):
        half = self.width // 2
        angle = t[:, None] * torch.exp(torch.arange(half) * (-math.log(10000.0) / half))[None]
        temb = F.silu(self.time_embedding(torch.cat([angle.cos(), angle.sin()], 1).to(x.dtype)))
        x = self.conv_in(x)
        skips = [x]
        for level in self.down_blocks:
            for i in range(2):
                x = level.layer(i, x, temb, text)
                skips.append(x)
            if hasattr(level, "downsamplers"):
                x = level.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block.layer(0, x, temb, text)
        x = self.mid_block.resnets[1](x, temb)
        for level in self.up_blocks:
            for i in range(3):
                x = level.layer(i, torch.cat([x, skips.pop()], 1), temb, text)
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class PixelAttention(Attention):
    def __init__(self, c):
        super().__init__(c, c, 1, bias=True)
        self.group_norm = nn.GroupNorm(32, c, 1e-6)

    def forward(self, x):
        h = tokens(self.group_norm(x))
        return x + pixels(super().forward(h, h), *x.shape[2:])


class Half(nn.Module):
    """Encoder or decoder: levels of resnets, and a middle with attention over all pixels."""

    def __init__(self, widths, come, go, count, down):
        super().__init__()
        first, last = (widths[0], widths[-1]) if down else (widths[-1], widths[0])
        self.conv_in = nn.Conv2d(come, first, 3, padding=1)
        levels, c = nn.ModuleList(), first
        for i, o in enumerate(widths if down else reversed(widths)):
            resnets = []
            for _ in range(count):
                resnets.append(Resnet(c, o, eps=1e-6))
                c = o
            step = Sampler(o, 2, 0) if down else Sampler(o, 1)
            levels.append(Level(resnets, **({"down" if down else "up": step} if i < 3 else {})))
        self.down = down
        setattr(self, "down_blocks" if down else "up_blocks", levels)
        c = widths[-1]
        self.mid_block = Level([Resnet(c, c, eps=1e-6), Resnet(c, c, eps=1e-6)], [PixelAttention(c)])
        self.conv_norm_out, self.conv_out = nn.GroupNorm(32, last, 1e-6), nn.Conv2d(last, go, 3, padding=1)

    def middle(self, x):
        m = self.mid_block
        return m.resnets[1](m.attentions[0](m.resnets[0](x)))

    def forward(self, x):
        x = self.conv_in(x)
        if not self.down:
            x = self.middle(x)
        for level in self.down_blocks if self.down else self.up_blocks:
            for resnet in level.resnets:
                x = resnet(x)
            for name in ("downsamplers", "upsamplers"):
                if hasattr(level, name):
                    x = getattr(level, name)[0](x)
        if self.down:
            x = self.middle(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class VAE(nn.Module):
    def __init__(self, widths=(128, 256, 512, 512)):
        super().__init__()
        self.encoder, self.quant_conv = Half(widths, 3, 8, 2, True), nn.Conv2d(8, 8, 1)
        self.decoder, self.post_quant_conv = Half(widths, 4, 3, 3, False), nn.Conv2d(4, 4, 1)

    def encode(self, x):
        return self.quant_conv(self.encoder(x))

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


class TextLayer(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.self_attn = nn.ModuleDict({n: nn.Linear(d, d) for n in ("q_proj", "k_proj", "v_proj", "out_proj")})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(d, 4 * d), "fc2": nn.Linear(4 * d, d)})

    def forward(self, x):
        a, h = self.self_attn, self.layer_norm1(x)
        x = x + a["out_proj"](attend(a["q_proj"](h), a["k_proj"](h), a["v_proj"](h), self.heads, causal=True))
        h = self.mlp["fc1"](self.layer_norm2(x))
        return x + self.mlp["fc2"](h * torch.sigmoid(1.702 * h))


class Text(nn.Module):
    def __init__(self, d=768, layers=12, vocabulary=49408):
        super().__init__()
        self.text_model = nn.Module()
        m = self.text_model
        m.embeddings = nn.ModuleDict({"token_embedding": nn.Embedding(vocabulary, d),
                                      "position_embedding": nn.Embedding(77, d)})
        m.encoder = nn.ModuleDict({"layers": nn.ModuleList([TextLayer(d, d // 64) for _ in range(layers)])})
        m.final_layer_norm = nn.LayerNorm(d)

    def forward(self, ids):
        m = self.text_model
        x = m.embeddings["token_embedding"](ids) + m.embeddings["position_embedding"].weight
        for layer in m.encoder["layers"]:
            x = layer(x)
        return m.final_layer_norm(x)
