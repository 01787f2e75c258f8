// What tests use of Node's Buffer to build their own messages and keys, for browsers. The code under test uses none of it.

type Encoding = 'utf8' | 'latin1' | 'hex' | 'base64' | 'base64url'

const binary = (bytes: Uint8Array): string => Array.from(bytes, byte => String.fromCharCode(byte)).join('')
const fromBinary = (text: string): number[] => Array.from(text, character => character.charCodeAt(0))

/** Like Node: both alphabets, nothing refused. */
function lenient(text: string): number[] {
  const digits = text
    .replace(/=[\s\S]*/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/[^A-Za-z0-9+/]/g, '')
  return fromBinary(atob(digits.length % 4 === 1 ? digits.slice(0, -1) : digits))
}

const writers: Readonly<Record<Encoding, (bytes: Uint8Array) => string>> = {
  utf8: bytes => new TextDecoder().decode(bytes),
  latin1: binary,
  hex: bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(''),
  base64: bytes => btoa(binary(bytes)),
  base64url: bytes => btoa(binary(bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
}

const readers: Readonly<Record<Encoding, (text: string) => ArrayLike<number>>> = {
  utf8: text => new TextEncoder().encode(text),
  latin1: fromBinary,
  hex: text => (text.match(/[0-9a-f]{2}/gi) ?? []).map(pair => Number.parseInt(pair, 16)),
  base64: lenient,
  base64url: lenient,
}

class BrowserBuffer extends Uint8Array<ArrayBuffer> {
  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, at) => byte === other[at])
  }

  override toString(encoding: Encoding = 'utf8'): string {
    return writers[encoding](this)
  }
}

function from(data: string | ArrayBuffer | ArrayLike<number>, encoding: Encoding = 'utf8'): BrowserBuffer {
  if (typeof data === 'string') return from(readers[encoding](data))
  return data instanceof ArrayBuffer ? new BrowserBuffer(data) : concat([data])
}

function concat(list: ReadonlyArray<ArrayLike<number>>): BrowserBuffer {
  const all = new BrowserBuffer(new ArrayBuffer(list.reduce((sum, { length }) => sum + length, 0)))
  let at = 0
  for (const one of list) {
    all.set(one, at)
    at += one.length
  }
  return all
}

const statics = {
  from,
  concat,
  of: (...bytes: readonly number[]) => from(bytes),
  alloc: (size: number, fill = 0) => concat([new Array<number>(size).fill(fill)]),
}

if (!('Buffer' in globalThis)) Object.assign(globalThis, { Buffer: Object.assign(BrowserBuffer, statics) })
