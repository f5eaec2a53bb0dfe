/**
 * What every part of the command line needs: seeded randomness, files that are never half written,
 * errors for users.
 */
@NullMarked
package org.plait.lab.util;

import org.jspecify.annotations.NullMarked;
