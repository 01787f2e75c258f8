/** The header of a picture. */
export interface Picture {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/webp'
  readonly width: number
  readonly height: number
}

/**
 * Recognises a still picture by its bytes; undefined for anything else. Animations are refused: they could imitate a page that
 * changes. So is SVG: it is a document, with scripts.
 */
export function pictureOf(bytes: Uint8Array): Picture | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    return pngOf(view) ?? webpOf(view) ?? jpegOf(view)
  } catch (error) {
    // The picture is cut off.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function pngOf(view: DataView): Picture | undefined {
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a || textAt(view, 12) !== 'IHDR')
    return undefined
  const [width, height] = [view.getUint32(16), view.getUint32(20)]
  for (let at = 8; at + 8 <= view.byteLength; at += view.getUint32(at) + 12) {
    const chunk = textAt(view, at + 4)
    if (chunk === 'acTL') return undefined
    if (chunk === 'IDAT') return { mediaType: 'image/png', width, height }
  }
  return undefined
}

function webpOf(view: DataView): Picture | undefined {
  if (textAt(view, 0) !== 'RIFF' || textAt(view, 8) !== 'WEBP') return undefined
  const size = webpSize(view, textAt(view, 12))
  return size === undefined ? undefined : { mediaType: 'image/webp', ...size }
}

function webpSize(view: DataView, chunk: string): { width: number; height: number } | undefined {
  if (chunk === 'VP8 ') return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  if (chunk === 'VP8L') {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  const isAnimated = (view.getUint8(20) & 2) !== 0
  if (chunk !== 'VP8X' || isAnimated) return undefined
  return { width: (view.getUint32(24, true) & 0xffffff) + 1, height: (view.getUint32(26, true) >>> 8) + 1 }
}

function jpegOf(view: DataView): Picture | undefined {
  if (view.getUint16(0) !== 0xffd8) return undefined
  for (let at = 2; at + 4 <= view.byteLength; ) {
    const marker = view.getUint16(at)
    if (marker >>> 8 !== 0xff) return undefined
    // Start of frame, of any coding: C4, C8 and CC are tables.
    if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) {
      return { mediaType: 'image/jpeg', width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    }
    at += 2 + Math.max(view.getUint16(at + 2), 2)
  }
  return undefined
}

function textAt(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3))
}
