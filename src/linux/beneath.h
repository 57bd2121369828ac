/* A path that is resolved below a directory and can lead nowhere else, whatever links somebody puts
 * there, even while it is being resolved. */
#ifndef PODINIT_LINUX_BENEATH_H
#define PODINIT_LINUX_BENEATH_H

/* Opens DIRECTORY/PATH (relative; what stands on the way may be links that stay below DIRECTORY).
 * Missing directories are made, with the mode of DIRECTORY, but not where only a link leads. A
 * descriptor (O_PATH), or -errno: -EXDEV for what leads out. Changes the umask for a moment, so only
 * for a process that shares it with nobody. */
int beneath_open(const char *directory, const char *path);

#endif
