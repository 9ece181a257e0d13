import type { Dispatcher } from 'undici';

/** More came than is read. */
class BodyTooLarge extends Error {
  readonly code = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
  constructor() {
    super('the answer is longer than is read');
    this.name = 'BodyTooLarge';
  }
}

/** Reads a body of at most so many bytes; what would be more is not gathered and ends the connection. */
export async function readBody(body: Dispatcher.ResponseData['body'], most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the stream, and with it the connection.
    if (size > most) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
