package org.plait.lab.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.plait.lab.util.AtomicFile;

/**
 * The safetensors format: eight bytes of header length, a JSON header, raw little-endian tensors.
 * Python reads such a file with {@code safetensors.torch.load_file}. A checksum travels in the
 * metadata, so that a damaged file is refused and not trained on.
 *
 * @param metadata free text by key
 * @param tensors float32 tensors by name, in the order of the file
 */
public record SafeTensors(Map<String, String> metadata, Map<String, Entry> tensors) {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String METADATA = "__metadata__";
  private static final String CHECKSUM = "crc32";
  private static final int MAX_HEADER = 1 << 24;

  /** One tensor: a shape and its values, row by row. */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Entry(List<Long> shape, float[] values) {}

  /** Replaces a file by these tensors in one step; see {@link AtomicFile}. */
  public void write(Path file) throws IOException {
    long values = tensors.values().stream().mapToLong(entry -> entry.values().length).sum();
    ByteBuffer data = allocate(Math.toIntExact(values * Float.BYTES));
    ObjectNode header = JSON.createObjectNode();
    ObjectNode texts = header.putObject(METADATA);
    metadata.forEach(texts::put);
    tensors.forEach(
        (name, entry) -> {
          ObjectNode described = header.putObject(name).put("dtype", "F32");
          ArrayNode shape = described.putArray("shape");
          entry.shape().forEach(shape::add);
          ArrayNode offsets = described.putArray("data_offsets").add(data.position());
          data.asFloatBuffer().put(entry.values());
          data.position(data.position() + entry.values().length * Float.BYTES);
          offsets.add(data.position());
        });
    texts.put(CHECKSUM, checksum(data.flip()));
    byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    // Spaces align the tensors that follow.
    byte[] bytes = Arrays.copyOf(text, (text.length + 7) / 8 * 8);
    Arrays.fill(bytes, text.length, bytes.length, (byte) ' ');
    ByteBuffer whole = allocate(Long.BYTES + bytes.length + data.remaining());
    AtomicFile.write(file, whole.putLong(bytes.length).put(bytes).put(data).flip());
  }

  /** Reads a file; an {@link IOException} says what is wrong with it. */
  public static SafeTensors read(Path file) throws IOException {
    ByteBuffer whole = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    long headerLength = whole.remaining() < Long.BYTES ? -1 : whole.getLong();
    if (headerLength < 2 || headerLength > Math.min(MAX_HEADER, whole.remaining())) {
      throw new IOException("it is not a safetensors file");
    }
    byte[] header = new byte[(int) headerLength];
    whole.get(header);
    try {
      return parse(JSON.readTree(header), whole.slice().order(ByteOrder.LITTLE_ENDIAN));
    } catch (JsonProcessingException | IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new IOException("it is not a safetensors file", e);
    }
  }

  private static SafeTensors parse(JsonNode header, ByteBuffer data) throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>();
    header
        .path(METADATA)
        .properties()
        .forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
    String expected = metadata.remove(CHECKSUM);
    if (expected != null && !expected.equals(checksum(data))) {
      throw new IOException("it is damaged: its checksum does not match");
    }
    Map<String, Entry> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : header.properties()) {
      if (!field.getKey().equals(METADATA)) {
        tensors.put(field.getKey(), entry(field.getValue(), data));
      }
    }
    return new SafeTensors(metadata, tensors);
  }

  private static Entry entry(JsonNode described, ByteBuffer data) throws IOException {
    if (!described.path("dtype").asText().equals("F32")) {
      throw new IOException("it holds other types than F32");
    }
    int begin = described.path("data_offsets").path(0).intValue();
    int end = described.path("data_offsets").path(1).intValue();
    float[] values = new float[(end - begin) / Float.BYTES];
    data.slice(begin, end - begin).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    List<Long> shape =
        JSON.convertValue(
            described.path("shape"),
            JSON.getTypeFactory().constructCollectionType(List.class, Long.class));
    return new Entry(shape, values);
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static String checksum(ByteBuffer data) {
    CRC32 crc = new CRC32();
    crc.update(data.duplicate());
    return Long.toHexString(crc.getValue());
  }
}
