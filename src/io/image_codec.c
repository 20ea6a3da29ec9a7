/* Encoded pictures to pixels and back, by libvips.
 *
 * Only the loaders of the table below are ever reached, by the picture's first bytes: libvips would otherwise hand a
 * file to whatever claims it (SVG, PDF, ImageMagick). Sentences are our own: libvips collects its messages in one place
 * for the whole process, where another thread's may lie between them, and words them differently from release to
 * release.
 */
#define _GNU_SOURCE /* memmem */
#include "io/image_codec.h"

#include "io/image.h"
#include "io/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

typedef int loader(void *bytes, size_t n, VipsImage **out, ...); /* options, a NULL at the end */

/* HEIF also tells AVIF and HEIC apart from films by the brand behind "ftyp". */
static const struct {
    const char *name, *operation;
    loader *load;
    bool pages; /* what follows the first page of this kind is more of an animation or a document */
} kinds[] = {
    [SS_PNG] = {"PNG", "pngload_buffer", vips_pngload_buffer, false},
    [SS_JPEG] = {"JPEG", "jpegload_buffer", vips_jpegload_buffer, false},
    [SS_WEBP] = {"WebP", "webpload_buffer", vips_webpload_buffer, true},
    [SS_HEIF] = {"AVIF or HEIC", "heifload_buffer", vips_heifload_buffer, false},
    [SS_GIF] = {"GIF", "gifload_buffer", vips_gifload_buffer, true},
    [SS_TIFF] = {"TIFF", "tiffload_buffer", vips_tiffload_buffer, true},
};

ss_picture ss_picture_kind(const void *bytes, size_t n) {
    static const char brands[][5] = {"avif", "avis", "heic", "heix", "heim", "heis", "mif1", "msf1"};
    const char *b = bytes;
    if (n >= 8 && !memcmp(b, "\x89PNG\r\n\x1a\n", 8)) return SS_PNG;
    if (n >= 3 && !memcmp(b, "\xff\xd8\xff", 3)) return SS_JPEG;
    if (n >= 12 && !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBP", 4)) return SS_WEBP;
    if (n >= 6 && (!memcmp(b, "GIF87a", 6) || !memcmp(b, "GIF89a", 6))) return SS_GIF;
    if (n >= 4 && (!memcmp(b, "II*\0", 4) || !memcmp(b, "MM\0*", 4))) return SS_TIFF;
    if (n >= 12 && !memcmp(b + 4, "ftyp", 4))
        for (int i = 0; i < SS_COUNT_OF(brands); i++)
            if (!memcmp(b + 8, brands[i], 4)) return SS_HEIF;
    return SS_NO_PICTURE;
}

/* libvips wants to be started once for a process, and this is the only state of the library that outlives a context. It
 * prints its warnings through glib unless told otherwise; its cache of operations would keep pictures alive. */
static pthread_once_t vips_once = PTHREAD_ONCE_INIT;
static bool vips_runs;

static void say_nothing(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer user) {
    (void)domain, (void)level, (void)text, (void)user;
}

static void start_vips(void) {
    if (vips_init("selfsame")) return;
    g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG, say_nothing, NULL);
    vips_cache_set_max(0);
    vips_runs = true;
}

static ss_status need_vips(ss_ctx *cx) {
    pthread_once(&vips_once, start_vips);
    return vips_runs ? SS_OK : ss_fail(cx, SS_ERR_FILE, "libvips, which reads and writes pictures, does not start");
}

/* ------------------------------------------------------------------------------------------------ reading */

static ss_status open_picture(VipsImage **out, ss_ctx *cx, const void *bytes, size_t n, const char *name) {
    ss_picture kind = ss_picture_kind(bytes, n);
    if (kind == SS_NO_PICTURE) {
        const char *what = ss_foreign(bytes, n);
        return ss_fail(cx, SS_ERR_FORMAT, "%s is %s; pictures are read as PNG, JPEG, WebP, AVIF, HEIC, GIF or TIFF",
                       name, what ? what : "not a picture");
    }
    if (!vips_type_find("VipsForeignLoad", kinds[kind].operation))
        return ss_fail(cx, SS_ERR_FORMAT, "%s is %s, which this machine's libvips does not read", name,
                       kinds[kind].name);
    VipsImage *im = NULL;
    if (kinds[kind].load((void *)(uintptr_t)bytes, n, &im, "fail_on", VIPS_FAIL_ON_ERROR, "access",
                         VIPS_ACCESS_SEQUENTIAL, NULL)) {
        vips_error_clear();
        return ss_fail(cx, SS_ERR_FORMAT, "%s starts like %s but its header is damaged or cut short (%zu bytes)", name,
                       kinds[kind].name, n);
    }
    int w = vips_image_get_width(im), h = vips_image_get_height(im), pages = vips_image_get_n_pages(im);
    if (w > SS_IMAGE_SIDE || h > SS_IMAGE_SIDE || (int64_t)w * h > SS_IMAGE_PIXELS) {
        g_object_unref(im);
        return ss_fail(cx, SS_ERR_FORMAT, "%s is %d x %d pixels; at most %d a side and %d million in all are read",
                       name, w, h, SS_IMAGE_SIDE, SS_IMAGE_PIXELS >> 20);
    }
    if (kinds[kind].pages && pages > 1) ss_warn(cx, "%s holds %d pictures; the first is used", name, pages);
    *out = im;
    return SS_OK;
}

/* Replaces *im by what an operation made of it; false, with *im as it was, if it could not. */
static bool turned_into(VipsImage **im, int failed, VipsImage *const *made) {
    if (failed) {
        vips_error_clear();
        return false;
    }
    g_object_unref(*im);
    *im = *made;
    return true;
}

/* Profiles of sRGB itself are not applied: they would only round. They say so in their description, in ASCII or UTF-16.
 */
static bool has_profile_to_apply(VipsImage *im) {
    const void *profile;
    size_t n;
    if (!vips_image_get_typeof(im, VIPS_META_ICC_NAME) || vips_image_get_blob(im, VIPS_META_ICC_NAME, &profile, &n))
        return false;
    return !memmem(profile, n, "sRGB", 4) && !memmem(profile, n, "s\0R\0G\0B", 7);
}

/* To 8 bits a sample in grey, RGB or CMYK, either with alpha behind it or not; CMYK only if it has no profile. */
static ss_status simplify(VipsImage **im, ss_ctx *cx, const char *name) {
    VipsImage *made = NULL;
    VipsInterpretation meaning = vips_image_guess_interpretation(*im);
    if (vips_image_get_bands(*im) >= 3 && has_profile_to_apply(*im)) {
        if (turned_into(im, vips_icc_transform(*im, &made, "srgb", "embedded", TRUE, NULL), &made))
            meaning = VIPS_INTERPRETATION_sRGB;
        else
            ss_warn(cx, "%s: its colour profile does not fit it; its colours are taken for sRGB", name);
    }
    switch (meaning) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_CMYK:
        break;
    default:
        if (!turned_into(im, vips_colourspace(*im, &made, VIPS_INTERPRETATION_sRGB, NULL), &made))
            return ss_fail(cx, SS_ERR_FORMAT, "%s holds no colours that this program knows: grey, RGB, CMYK or Lab",
                           name);
    }
    VipsBandFormat format = vips_image_get_format(*im);
    if (format == VIPS_FORMAT_USHORT && turned_into(im, vips_msb(*im, &made, NULL), &made)) format = VIPS_FORMAT_UCHAR;
    if (format != VIPS_FORMAT_UCHAR)
        return ss_fail(cx, SS_ERR_FORMAT, "%s has samples of type %s; whole numbers of 8 or 16 bits are read", name,
                       vips_enum_nick(VIPS_TYPE_BAND_FORMAT, format));
    return SS_OK;
}

/* a b / 255, rounded, without a division; as Pillow computes it. */
static int scaled(int a, int b) {
    int t = a * b + 128;
    return (t + (t >> 8)) >> 8;
}

/* n pixels of `bands` bytes each to RGB. Whatever lies behind the colours is alpha and left out. */
static void spread(uint8_t *rgb, const uint8_t *x, int64_t n, int bands, bool cmyk) {
    for (int64_t i = 0; i < n; i++, x += bands)
        for (int c = 0; c < 3; c++)
            *rgb++ = cmyk ? (uint8_t)(255 - x[3] - scaled(x[c], 255 - x[3])) : x[bands < 3 ? 0 : c];
}

/* Pulls the pixels out in strips, in this thread. libvips' own loops over a picture hand the work to a pool of threads
 * that, at least in 8.14, can miss a worker's failure, and a damaged file would pass now and then. */
static ss_status pull(ss_image *y, ss_ctx *cx, VipsImage *im, const char *name, const char *kind) {
    enum { STRIP = 64 };
    int bands = vips_image_get_bands(im);
    bool cmyk = bands >= 4 && vips_image_guess_interpretation(im) == VIPS_INTERPRETATION_CMYK;
    VipsRegion *strip = vips_region_new(im);
    ss_status st = SS_OK;
    for (int top = 0; top < y->h && !st; top += STRIP) {
        VipsRect part = {0, top, y->w, y->h - top < STRIP ? y->h - top : STRIP};
        if (vips_region_prepare(strip, &part)) {
            vips_error_clear();
            st = ss_fail(cx, SS_ERR_FORMAT, "%s: the %s is damaged or cut short, %d x %d pixels are not all there",
                         name, kind, y->w, y->h);
            break;
        }
        for (int row = top; row < top + part.height; row++)
            spread(y->rgb + (size_t)3 * row * y->w, VIPS_REGION_ADDR(strip, 0, row), y->w, bands, cmyk);
    }
    g_object_unref(strip);
    return st;
}

/* Turns a stored picture the way that EXIF's orientation says it is to be shown: 2 to 8 mirror or turn it, from 5 on
 * rows become columns. */
static ss_status orient(ss_image *im, ss_ctx *cx, int orientation) {
    if (orientation < 2 || orientation > 8) return SS_OK;
    bool swap = orientation >= 5;
    bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    ss_image y = {0};
    ss_status st = ss_image_new(&y, cx, swap ? im->h : im->w, swap ? im->w : im->h);
    if (st) return st;
    uint8_t *to = y.rgb;
    for (int j = 0; j < y.h; j++)
        for (int i = 0; i < y.w; i++, to += 3) {
            int column = swap ? j : i, row = swap ? i : j;
            if (from_right) column = im->w - 1 - column;
            if (from_below) row = im->h - 1 - row;
            memcpy(to, im->rgb + 3 * ((size_t)row * im->w + column), 3);
        }
    ss_image_free(im);
    *im = y;
    return SS_OK;
}

ss_status ss_picture_decode(ss_image *out, ss_ctx *cx, const void *bytes, size_t n, const char *name, bool turn) {
    VipsImage *im = NULL;
    ss_image made = {0};
    int orientation = 1;

    ss_status st = need_vips(cx);
    if (!st) st = open_picture(&im, cx, bytes, n, name);
    if (!st && turn) orientation = vips_image_get_orientation(im);
    if (!st) st = simplify(&im, cx, name);
    if (!st) st = ss_image_new(&made, cx, vips_image_get_width(im), vips_image_get_height(im));
    if (!st) st = pull(&made, cx, im, name, kinds[ss_picture_kind(bytes, n)].name);
    if (!st) st = orient(&made, cx, orientation);
    if (!st) {
        *out = made;
        made = (ss_image){0};
    }
    ss_image_free(&made);
    if (im) g_object_unref(im);
    return st;
}

/* ------------------------------------------------------------------------------------------------ writing */

static int save(VipsImage *im, ss_picture kind, void **bytes, size_t *n) {
    switch (kind) {
    case SS_PNG:
        return vips_pngsave_buffer(im, bytes, n, "compression", 6, "filter", VIPS_FOREIGN_PNG_FILTER_ALL, NULL);
    case SS_JPEG:
        return vips_jpegsave_buffer(im, bytes, n, "Q", 95, "optimize_coding", TRUE, NULL);
    case SS_WEBP:
        return vips_webpsave_buffer(im, bytes, n, "Q", 95, NULL);
    default:
        return -1;
    }
}

ss_status ss_picture_encode(void **bytes, size_t *n, ss_ctx *cx, const ss_image *im, ss_picture kind) {
    enum { WEBP_SIDE = 16383 };
    VipsImage *plain = NULL, *srgb = NULL;
    void *made = NULL, *copy = NULL;
    size_t size = 0;

    if (kind == SS_WEBP && (im->w > WEBP_SIDE || im->h > WEBP_SIDE))
        return ss_fail(cx, SS_ERR_ARG, "a WebP picture has at most %d pixels a side, this one is %d x %d", WEBP_SIDE,
                       im->w, im->h);
    ss_status st = need_vips(cx);
    if (st) return st;
    plain = vips_image_new_from_memory(im->rgb, (size_t)3 * im->w * im->h, im->w, im->h, 3, VIPS_FORMAT_UCHAR);
    if (!plain || vips_copy(plain, &srgb, "interpretation", VIPS_INTERPRETATION_sRGB, NULL)) goto failed;
    vips_image_set_int(srgb, VIPS_META_CONCURRENCY, cx->threads > 0 ? cx->threads : 1);
    if (save(srgb, kind, &made, &size)) goto failed;

    copy = ss_alloc(cx, size, 1);
    if (copy) {
        *bytes = memcpy(copy, made, size);
        *n = size;
    }
    st = copy ? SS_OK : SS_ERR_NOMEM;
    goto done;
failed:
    vips_error_clear();
    st = ss_fail(cx, SS_ERR_FILE, "libvips cannot write this picture of %d x %d pixels as %s", im->w, im->h,
                 kinds[kind].name);
done:
    g_free(made);
    if (srgb) g_object_unref(srgb);
    if (plain) g_object_unref(plain);
    return st;
}
