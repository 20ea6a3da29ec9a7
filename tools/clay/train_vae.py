"""Train the autoencoder (AutoencoderKL, f = 8, 4 latent channels) on renders.

    python train_vae.py --data 'DATA/big*' --test DATA/test256 --state STATE/vae --minutes 30 --out MODEL/vae

Most steps see square crops, which give more and more varied steps for the same pixels; every fifth sees whole pictures,
so that the normalisation layers meet the statistics they will be used with. At the end the latents' mean and
spread are folded into quant_conv and post_quant_conv, channel by channel: multiplied by SD's 0.18215 they are unit
variance, so that programs with that number written into them work."""

import argparse

import torch

from data import Pictures, load, save
from nets import Autoencoder
from trainer import add_options, averaged, train


def start_linear(vae):
    """Each residual branch starts as nothing and every other convolution keeps its input's size, so that the net
    starts as a plain linear map through the bottleneck. With the default weights the branches drown what the
    shrinking down- and upsampling convolutions pass on, and colours take thousands of steps to come."""
    for name, m in vae.named_modules():
        if isinstance(m, torch.nn.Conv2d):
            torch.nn.init.orthogonal_(m.weight)
            torch.nn.init.zeros_(m.bias)
        if name.endswith((".conv2", ".proj_attn")):
            torch.nn.init.zeros_(m.weight)
            torch.nn.init.zeros_(m.bias)
    torch.nn.init.constant_(vae.quant_conv.bias[4:], -4.0)  # little noise at first


def edges(x):
    return x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]


class Task:
    def net(self, a):
        torch.manual_seed(a.seed)
        vae = Autoencoder()
        with torch.no_grad():
            start_linear(vae)
        return load(vae, a.start) if a.start else vae

    def open(self, a, random):
        self.data = Pictures(*a.data)

    def loss(self, net, a, random):
        """Error of the colours (squared, which learns fast, and absolute, which stays sharp) and of their differences;
        the figure counts three times as much as what is behind."""
        side, n = self.data.side, a.batch
        crop = a.crop
        if torch.rand((), generator=random) < a.whole:
            crop, n = side, max(1, a.batch * a.crop**2 // side**2)
        x0, y0 = (int(torch.randint(side - crop + 1, (), generator=random)) // 2 * 2 for _ in range(2))
        at = torch.randint(len(self.data), (n,), generator=random).tolist()
        x, mask = self.data.batch(at, (x0, y0, crop), mask=True)
        noise = torch.randn(n, 4, crop // 8, crop // 8, generator=random).bfloat16()
        y, mean, logvar = net(x.bfloat16().contiguous(memory_format=torch.channels_last), noise)
        return self.error(x, y.float(), mean.float(), logvar.float(), mask, a.kl)

    @staticmethod
    def error(x, y, mean, logvar, mask, share):
        w = 1 + 2 * mask
        w = w / w.mean()
        colour = (w * (0.5 * (x - y).abs() + 6 * (x - y) ** 2)).mean()
        (dx, ex), (dy, ey) = edges(x), edges(y)
        edge = (w[..., 1:, :] * (dx - dy).abs()).mean() + (w[..., 1:] * (ex - ey).abs()).mean()
        kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()
        return colour + 0.5 * edge + share * kl, {"colour": colour, "edge": edge, "kl": kl}


@torch.no_grad()
def fold_scale(vae, pictures, n=128):
    """Make every latent channel have mean 0 and standard deviation 1 / SCALE."""
    at = vae.quant_conv.weight.device
    z = torch.cat([vae.encode(pictures.batch(range(i, i + 8)).to(at))[0] for i in range(0, n, 8)])
    mean, s = z.mean((0, 2, 3)), z.std((0, 2, 3)) * vae.SCALE
    q, p = vae.quant_conv, vae.post_quant_conv
    p.bias += (p.weight[:, :, 0, 0] * mean).sum(1)
    p.weight *= s[None, :, None, None]
    q.weight[:4] /= s[:, None, None, None]
    q.bias[:4] = (q.bias[:4] - mean) / s
    q.bias[4:] -= 2 * s.log()


@torch.no_grad()
def psnr(vae, pictures, n=64):
    """Mean decibel over the first n pictures."""
    out = []
    for i in range(0, min(n, len(pictures)), 8):
        x = pictures.batch(range(i, i + 8)).to(vae.quant_conv.weight.device)
        y = vae.decode(vae.encode(x)[0]).clamp(-1, 1)
        out.append(-10 * torch.log10(((x - y) / 2).square().flatten(1).mean(1)))
    return torch.cat(out).mean().item()


def main():
    p = add_options(argparse.ArgumentParser(), lr=8e-4, batch=16)
    p.add_argument("--data", nargs="+", required=True)
    p.add_argument("--test", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--start", help="an autoencoder's folder to go on from")
    p.add_argument("--crop", type=int, default=64)
    p.add_argument("--whole", type=float, default=0.2, help="share of the steps on whole pictures")
    p.add_argument("--kl", type=float, default=1e-4)
    a = p.parse_args()
    train(Task(), a)
    vae = averaged(Autoencoder(), a.state)[0].eval()
    fold_scale(vae, Pictures(*a.data))
    save(vae, a.out, vae.config(256))
    test = Pictures(a.test)
    print(f"{psnr(load(Autoencoder(), a.out).eval(), test):.2f} dB on {test.side} x {test.side}")


if __name__ == "__main__":
    main()
