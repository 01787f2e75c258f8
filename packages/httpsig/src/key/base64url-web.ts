// The portable half of `#base64url`: small rather than fast, for pages.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @see base64url-node.ts */
export function base64Encode(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))
}

/** @see base64url-node.ts */
export function base64urlEncode(bytes: Uint8Array): string {
  return base64Encode(bytes)
    .replace(/={1,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}

/** @see base64url-node.ts */
export function base64urlEncodeText(text: string): string {
  return base64urlEncode(new TextEncoder().encode(text))
}

/** Decodes with a lenient reader; undefined where that refuses. */
function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const standard = text.replaceAll('-', '+').replaceAll('_', '/')
    return Uint8Array.from(atob(standard), letter => letter.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** @see base64url-node.ts */
export function base64urlDecode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = decode(text)
  // The reader takes other spellings of the same bytes.
  if (bytes === undefined || base64urlEncode(bytes) !== text) throw new TypeError('not canonical base64url')
  return bytes
}

/** @see base64url-node.ts */
export function base64urlDecodeText(text: string): string {
  return utf8.decode(base64urlDecode(text))
}
