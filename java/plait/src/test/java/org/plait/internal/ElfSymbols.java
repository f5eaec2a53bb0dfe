package org.plait.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.TreeSet;

/** Reads the names that a 64-bit little-endian ELF library exports, from its {@code .dynsym}. */
final class ElfSymbols {
  private static final int SHT_DYNSYM = 11;
  private static final int SYMBOL_BYTES = 24;

  private final ByteBuffer elf;
  private final int sections;
  private final int sectionBytes;
  private final int sectionCount;

  private ElfSymbols(byte[] library) {
    elf = ByteBuffer.wrap(library).order(ByteOrder.LITTLE_ENDIAN);
    if (elf.getInt(0) != 0x464c457f || elf.get(4) != 2 || elf.get(5) != 1) {
      throw new IllegalArgumentException("not a 64-bit little-endian ELF file");
    }
    sections = Math.toIntExact(elf.getLong(0x28));
    sectionBytes = elf.getShort(0x3a);
    sectionCount = elf.getShort(0x3c);
  }

  /** Names of the defined symbols that other libraries can see. */
  static Set<String> exported(byte[] library) {
    return new ElfSymbols(library).exported();
  }

  private Set<String> exported() {
    for (int i = 0; i < sectionCount; i++) {
      int section = sections + i * sectionBytes;
      if (elf.getInt(section + 4) == SHT_DYNSYM) {
        int strings = offset(sections + elf.getInt(section + 0x28) * sectionBytes);
        return exported(offset(section), Math.toIntExact(elf.getLong(section + 0x20)), strings);
      }
    }
    throw new IllegalArgumentException("no .dynsym section");
  }

  private Set<String> exported(int table, int bytes, int strings) {
    Set<String> names = new TreeSet<>();
    for (int at = table; at < table + bytes; at += SYMBOL_BYTES) {
      boolean local = (elf.get(at + 4) >>> 4) == 0;
      boolean hidden = (elf.get(at + 5) & 3) != 0;
      boolean undefined = elf.getShort(at + 6) == 0;
      if (!local && !hidden && !undefined) {
        names.add(string(strings + elf.getInt(at)));
      }
    }
    return names;
  }

  private int offset(int section) {
    return Math.toIntExact(elf.getLong(section + 0x18));
  }

  private String string(int at) {
    int end = at;
    while (elf.get(end) != 0) {
      end++;
    }
    return new String(elf.array(), at, end - at, StandardCharsets.US_ASCII);
  }
}
