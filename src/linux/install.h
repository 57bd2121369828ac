/* `podinit --install DIR`: for an init container that gives podinit to the others through a volume. */
#ifndef PODINIT_LINUX_INSTALL_H
#define PODINIT_LINUX_INSTALL_H

/* Copies the running program to DIR/podinit, mode 0755; whoever runs the old one there goes on with it.
 * 0 or -errno. */
int install_podinit(const char *directory);

#endif
