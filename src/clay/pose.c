/* The angles of every action. */
#include "clay/pose.h"

pose ss_clay_pose_four(int action, const float *sway, float glance) {
    float s = sway[0] < 0 ? -1 : 1, j = sway[1], w = 1 + 0.12f * sway[2];
    pose p = {.look = {4 + 7 * sway[3], glance + 12 * sway[4], 6 * sway[5]},
              .tail = 35 + 12 * j,
              .wag = 25 * sway[6],
              .flat = true};
    int a = s > 0 ? LEFT : RIGHT, b = 1 - a;
    switch (action) {
    case SITTING:
        p.sit = true, p.pitch = 45, p.look[0] += 3, p.tail = 5;
        for (int i = 0; i < 2; i++) p.leg[i] = (bend){72, 24, 95};
        break;
    case WALKING:
        p.arm[a] = (bend){36 * w, 0, 8}, p.arm[b] = (bend){-28 * w, 0, 0};
        p.leg[b] = (bend){30 * w, 0, 0}, p.leg[a] = (bend){-36 * w, 0, 10};
        p.flat = false, p.look[0] += 3, p.tail += 15;
        break;
    case RUNNING:
        for (int i = 0; i < 2; i++) {
            float lag = i == a ? 0 : 14;
            p.arm[i] = (bend){74 * w - lag, 2, 4}, p.leg[i] = (bend){-66 * w + lag, 4, -4};
        }
        p.flat = false, p.air = 0.16f, p.pitch = 5, p.neck = -12, p.tail = 22, p.flap = 1;
        break;
    case JUMPING:
        for (int i = 0; i < 2; i++) {
            p.arm[i] = (bend){i == a ? 62 : 44, 6, 78}, p.leg[i] = (bend){(i == a ? -20 : -34) * w, 4, 16};
        }
        p.flat = false, p.air = 0.52f, p.pitch = 34 + 5 * j, p.neck = 0, p.look[0] = 14, p.tail = 60, p.flap = 0.5f;
        break;
    case LYING:
        p.lie = true, p.neck = -22, p.look[0] = -2 + 5 * sway[3], p.tail = 2;
        for (int i = 0; i < 2; i++) p.arm[i] = (bend){78, 8, -8}, p.leg[i] = (bend){70, 42, 120};
        break;
    default: /* standing */
        for (int i = 0; i < 2; i++) p.arm[i] = (bend){2 + 3 * j, 3, 0}, p.leg[i] = (bend){-3, 3, 0};
        break;
    }
    return p;
}

pose ss_clay_pose_two(int action, const float *sway, float glance) {
    float s = sway[0] < 0 ? -1 : 1, j = sway[1], w = 1 + 0.12f * sway[2];
    pose p = {
        .look = {2 + 6 * sway[3], glance + 12 * sway[4], 7 * sway[5]}, .tail = -18, .wag = 25 * sway[6], .flat = true};
    int a = s > 0 ? LEFT : RIGHT, b = 1 - a;
    bool aside = fabsf(glance) > 18; /* in profile: gestures go forward, where they show */
    for (int i = 0; i < 2; i++) p.arm[i] = (bend){6 * j, 24 + 6 * sway[7], 12}, p.leg[i] = (bend){0, 6, 0};
    switch (action) {
    case SITTING:
        p.sit = true, p.pitch = -6, p.flat = false;
        for (int i = 0; i < 2; i++) p.leg[i] = (bend){84, 22 + 4 * j, 4}, p.arm[i] = (bend){26 + 8 * sway[7], 26, 22};
        break;
    case WALKING:
        p.leg[a] = (bend){34 * w, 2, 6}, p.leg[b] = (bend){-30 * w, 2, 12};
        p.arm[b] = (bend){42 * w, 14, 24}, p.arm[a] = (bend){-36 * w, 14, 10}, p.pitch = 4, p.flat = false;
        break;
    case RUNNING:
        p.leg[a] = (bend){72 * w, 2, 34}, p.leg[b] = (bend){-56 * w, 2, 40};
        p.arm[b] = (bend){82 * w, 14, 50}, p.arm[a] = (bend){-70 * w, 18, 30};
        p.pitch = 16, p.air = 0.16f, p.flat = false, p.flap = 1, p.tail = 20;
        break;
    case JUMPING:
        for (int i = 0; i < 2; i++) p.arm[i] = (bend){24, 128 + 8 * j, 12}, p.leg[i] = (bend){26, 30, 78};
        if (aside) {
            p.arm[a] = (bend){138, 16, 6}, p.arm[b] = (bend){104, 16, 6}, p.pitch = 8;
            p.leg[b] = (bend){58, 8, 70}, p.leg[a] = (bend){-34, 8, 40};
        }
        p.air = 0.50f, p.flat = false, p.flap = 0.6f, p.look[0] = 10, p.tail = 10;
        break;
    case LYING:
        p.lie = true, p.pitch = 88, p.neck = 50, p.look[0] = 6, p.flat = false, p.tail = -78;
        for (int i = 0; i < 2; i++) p.arm[i] = (bend){140, 34, 38}, p.leg[i] = (bend){0, 14, i == a ? 75 : 12};
        break;
    case WAVING:
        if (fabsf(glance) > 9) a = glance < 0 ? RIGHT : LEFT; /* the hand on our side */
        p.arm[a] = aside ? (bend){96 + 8 * j, 24, 34} : (bend){14, 124 + 8 * j, 20};
        p.look[2] = 6 * s;
        break;
    case ARMS_UP:
        for (int i = 0; i < 2; i++) p.arm[i] = aside ? (bend){150 - 14 * (float)i, 26, 0} : (bend){8, 140 + 6 * j, 0};
        p.look[0] = 9;
        break;
    case POINTING:
        if (fabsf(glance) > 9) a = glance < 0 ? RIGHT : LEFT;
        p.arm[a] = aside ? (bend){86 + 8 * j, 16, 0} : (bend){20 + 12 * j, 88, 4};
        p.look[1] += aside ? 0 : 14 * side(a);
        break;
    }
    return p;
}
