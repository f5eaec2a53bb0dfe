package org.plait.lab.countdown;

/** A problem and one answer to it, such as an expert's demonstration. */
public record Example(Problem problem, Trace trace) {}
