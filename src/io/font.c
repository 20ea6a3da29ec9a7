/* The letters of captions, five pixels wide at most and seven high, two more below the line; drawn twice as large, with
 * the corners of diagonals filled.
 */
#include "io/font.h"

#include <string.h>
#include <utf8proc.h>

enum { ROWS = 9, FIRST = ' ', LAST = '~', COLUMNS = 5 };

/* Row by row from the top, '|' between them; rows at the foot that are not there are empty. */
static const char *const letters[] = {
    "   ",                                             /* space */
    "#|#|#|#|#| |#",                                   /* ! */
    "# #|# #|# #",                                     /* " */
    " # # | # # |#####| # # |#####| # # | # # ",       /* # */
    "  #  | ####|# #  | ### |  # #|#### |  #  ",       /* $ */
    "##   |##  #|   # |  #  | #   |#  ##|   ##",       /* % */
    " #   |# #  |# #  | #   |# # #|#  # | ## #",       /* & */
    "#|#|#",                                           /* ' */
    "  #| # |#  |#  |#  | # |  #",                     /* ( */
    "#  | # |  #|  #|  #| # |#  ",                     /* ) */
    "     |  #  |# # #| ### |# # #|  #  ",             /* * */
    "     |  #  |  #  |#####|  #  |  #  ",             /* + */
    "  |  |  |  |  | #| #|# ",                         /* , */
    "    |    |    |####",                             /* - */
    " | | | | | |#",                                   /* . */
    "    #|    #|   # |  #  | #   |#    |#    ",       /* / */
    " ### |#   #|#  ##|# # #|##  #|#   #| ### ",       /* 0 */
    " # |## | # | # | # | # |###",                     /* 1 */
    " ### |#   #|    #|   # |  #  | #   |#####",       /* 2 */
    " ### |#   #|    #|  ## |    #|#   #| ### ",       /* 3 */
    "   # |  ## | # # |#  # |#####|   # |   # ",       /* 4 */
    "#####|#    |#### |    #|    #|#   #| ### ",       /* 5 */
    " ### |#    |#    |#### |#   #|#   #| ### ",       /* 6 */
    "#####|    #|   # |   # |  #  |  #  |  #  ",       /* 7 */
    " ### |#   #|#   #| ### |#   #|#   #| ### ",       /* 8 */
    " ### |#   #|#   #| ####|    #|    #| ### ",       /* 9 */
    " | |#| | | |#",                                   /* : */
    "  |  | #|  |  | #| #|# ",                         /* ; */
    "   |  #| # |#  | # |  #|   ",                     /* < */
    "    |    |####|    |####",                        /* = */
    "   |#  | # |  #| # |#  |   ",                     /* > */
    " ### |#   #|    #|   # |  #  |     |  #  ",       /* ? */
    " ### |#   #|# ###|# # #|# ###|#    | ### ",       /* @ */
    " ### |#   #|#   #|#####|#   #|#   #|#   #",       /* A */
    "#### |#   #|#   #|#### |#   #|#   #|#### ",       /* B */
    " ### |#   #|#    |#    |#    |#   #| ### ",       /* C */
    "#### |#   #|#   #|#   #|#   #|#   #|#### ",       /* D */
    "#####|#    |#    |#### |#    |#    |#####",       /* E */
    "#####|#    |#    |#### |#    |#    |#    ",       /* F */
    " ### |#   #|#    |# ###|#   #|#   #| ####",       /* G */
    "#   #|#   #|#   #|#####|#   #|#   #|#   #",       /* H */
    "###| # | # | # | # | # |###",                     /* I */
    "   #|   #|   #|   #|   #|#  #| ## ",              /* J */
    "#   #|#  # |# #  |##   |# #  |#  # |#   #",       /* K */
    "#    |#    |#    |#    |#    |#    |#####",       /* L */
    "#   #|## ##|# # #|# # #|#   #|#   #|#   #",       /* M */
    "#   #|#   #|##  #|# # #|#  ##|#   #|#   #",       /* N */
    " ### |#   #|#   #|#   #|#   #|#   #| ### ",       /* O */
    "#### |#   #|#   #|#### |#    |#    |#    ",       /* P */
    " ### |#   #|#   #|#   #|# # #|#  # | ## #",       /* Q */
    "#### |#   #|#   #|#### |# #  |#  # |#   #",       /* R */
    " ### |#   #|#    | ### |    #|#   #| ### ",       /* S */
    "#####|  #  |  #  |  #  |  #  |  #  |  #  ",       /* T */
    "#   #|#   #|#   #|#   #|#   #|#   #| ### ",       /* U */
    "#   #|#   #|#   #|#   #|#   #| # # |  #  ",       /* V */
    "#   #|#   #|#   #|# # #|# # #|# # #| # # ",       /* W */
    "#   #|#   #| # # |  #  | # # |#   #|#   #",       /* X */
    "#   #|#   #| # # |  #  |  #  |  #  |  #  ",       /* Y */
    "#####|    #|   # |  #  | #   |#    |#####",       /* Z */
    "###|#  |#  |#  |#  |#  |###",                     /* [ */
    "#    |#    | #   |  #  |   # |    #|    #",       /* \ */
    "###|  #|  #|  #|  #|  #|###",                     /* ] */
    "  #  | # # |#   #",                               /* ^ */
    "     |     |     |     |     |     |     |#####", /* _ */
    "# | #",                                           /* ` */
    "    |    | ## |   #| ###|#  #| ###",              /* a */
    "#   |#   |### |#  #|#  #|#  #|### ",              /* b */
    "    |    | ###|#   |#   |#   | ###",              /* c */
    "   #|   #| ###|#  #|#  #|#  #| ###",              /* d */
    "    |    | ## |#  #|####|#   | ###",              /* e */
    " ##|#  |###|#  |#  |#  |#  ",                     /* f */
    "    |    | ###|#  #|#  #|#  #| ###|   #| ## ",    /* g */
    "#   |#   |### |#  #|#  #|#  #|#  #",              /* h */
    "#| |#|#|#|#|#",                                   /* i */
    " #|  | #| #| #| #| #| #|# ",                      /* j */
    "#   |#   |#  #|# # |##  |# # |#  #",              /* k */
    "# |# |# |# |# |# | #",                            /* l */
    "     |     |#### |# # #|# # #|# # #|# # #",       /* m */
    "    |    |### |#  #|#  #|#  #|#  #",              /* n */
    "    |    | ## |#  #|#  #|#  #| ## ",              /* o */
    "    |    |### |#  #|#  #|#  #|### |#   |#   ",    /* p */
    "    |    | ###|#  #|#  #|#  #| ###|   #|   #",    /* q */
    "   |   |# #|## |#  |#  |#  ",                     /* r */
    "    |    | ###|#   | ## |   #|### ",              /* s */
    "#  |#  |###|#  |#  |#  | ##",                     /* t */
    "    |    |#  #|#  #|#  #|#  #| ###",              /* u */
    "     |     |#   #|#   #|#   #| # # |  #  ",       /* v */
    "     |     |#   #|#   #|# # #|# # #| # # ",       /* w */
    "     |     |#   #| # # |  #  | # # |#   #",       /* x */
    "    |    |#  #|#  #|#  #|#  #| ###|   #| ## ",    /* y */
    "    |    |####|   #| ## |#   |####",              /* z */
    " ##| # | # |#  | # | # | ##",                     /* { */
    "#|#|#|#|#|#|#|#|#",                               /* | */
    "## | # | # |  #| # | # |## ",                     /* } */
    "     |     | #   |# # #|   # ",                   /* ~ */
};
static const char box[] = "#####|#   #|#   #|#   #|#   #|#   #|#####";

/* The letter at the front of the text and its bytes; marks, which belong to the letter before them, give NULL. */
static const char *letter_at(const char *text, size_t n, size_t *used) {
    utf8proc_int32_t rune, parts[8];
    utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &rune);
    *used = length < 1 ? 1 : (size_t)length;
    if (length < 1) return box;
    int boundary = 0;
    utf8proc_option_t plain = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_STRIPMARK;
    utf8proc_ssize_t count = utf8proc_decompose_char(rune, parts, 8, plain, &boundary);
    if (count == 0) return NULL;
    if (count > 0 && parts[0] >= FIRST && parts[0] <= LAST) return letters[parts[0] - FIRST];
    return rune < FIRST ? letters[0] : box;
}

static int columns(const char *letter) { return (int)strcspn(letter, "|"); }

static bool inked(const char *letter, int row, int column) {
    int w = columns(letter);
    if (column < 0 || column >= w || row < 0 || (size_t)row * (w + 1) >= strlen(letter)) return false;
    return letter[row * (w + 1) + column] == '#';
}

/* A pixel becomes four. Each is ink if the pixel is, or if the two neighbours that it touches are and the other two are
 * not: there runs a diagonal. */
static bool inked_twice(const char *letter, int row, int column) {
    int y = row / 2, x = column / 2, dy = row % 2 ? 1 : -1, dx = column % 2 ? 1 : -1;
    if (inked(letter, y, x)) return true;
    return inked(letter, y + dy, x) && inked(letter, y, x + dx) && !inked(letter, y - dy, x) &&
           !inked(letter, y, x - dx) && !inked(letter, y + dy, x + dx);
}

int ss_font_width(const char *text, size_t n) {
    int width = 0;
    for (size_t used; n; text += used, n -= used) {
        const char *letter = letter_at(text, n, &used);
        if (letter) width += 2 * (columns(letter) + 1);
    }
    return width > 2 ? width - 2 : 0;
}

void ss_font_draw(ss_image *im, int x, int y, const char *text, size_t n, const uint8_t colour[3]) {
    for (size_t used; n && x < im->w; text += used, n -= used) {
        const char *letter = letter_at(text, n, &used);
        if (!letter) continue;
        int w = 2 * columns(letter);
        for (int row = 0; row < 2 * ROWS; row++)
            for (int column = 0; column < w; column++) {
                int i = x + column, j = y + row;
                if (i >= 0 && j >= 0 && i < im->w && j < im->h && inked_twice(letter, row, column))
                    memcpy(im->rgb + 3 * ((size_t)j * im->w + i), colour, 3);
            }
        x += w + 2;
    }
}
