/** The {@code plait} command line: doctor, verify, train. */
@NullMarked
package org.plait.lab;

import org.jspecify.annotations.NullMarked;
