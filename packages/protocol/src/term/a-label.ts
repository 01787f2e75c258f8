// Runtimes differ on `xn--` labels: some refuse invalid Punycode, newer ones keep it. An identifier must be valid on all of them.

const highest = 0x10ffff

function digitOf(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return code - 0x61
  return code >= 0x30 && code <= 0x39 ? code - 22 : Number.NaN
}

function adaptBias(delta: number, points: number, isFirst: boolean): number {
  let rest = Math.floor(delta / (isFirst ? 700 : 2))
  rest += Math.floor(rest / points)
  let k = 0
  for (; rest > 455; k += 36) rest = Math.floor(rest / 35)
  return k + Math.floor((36 * rest) / (rest + 38))
}

/** Decodes lower-case Punycode; undefined when it is malformed. RFC 3492 §6.2. */
function decodePunycode(text: string): string | undefined {
  const dash = text.lastIndexOf('-')
  const points = Array.from(text.slice(0, Math.max(dash, 0)), character => character.charCodeAt(0))
  let n = 128
  let i = 0
  let bias = 72
  for (let at = dash > 0 ? dash + 1 : 0; at < text.length; ) {
    const before = i
    let weight = 1
    for (let k = 36; ; k += 36) {
      const digit = digitOf(text.charCodeAt(at++))
      i += digit * weight
      // NaN: not a digit, or cut off.
      if (!(i <= 0x7fffffff)) return undefined
      const threshold = Math.min(Math.max(k - bias, 1), 26)
      if (digit < threshold) break
      weight *= 36 - threshold
    }
    bias = adaptBias(i - before, points.length + 1, before === 0)
    n += Math.floor(i / (points.length + 1))
    i %= points.length + 1
    if (n > highest || (n >= 0xd800 && n <= 0xdfff)) return undefined
    points.splice(i++, 0, n)
  }
  return String.fromCodePoint(...points)
}

/**
 * Decodes the `xn--` labels of a host to Unicode, so that the URL parser can encode them again for comparison; undefined when a label
 * is not Punycode, or encodes plain ASCII.
 * @see RFC 5891 §4.2, RFC 3492
 */
export function unicodeHost(host: string): string | undefined {
  const labels: string[] = []
  for (const label of host.split('.')) {
    const name = label.startsWith('xn--') ? decodePunycode(label.slice('xn--'.length)) : label
    if (name === undefined || (name !== label && (name.startsWith('xn--') || !/\P{ASCII}/u.test(name))))
      return undefined
    labels.push(name)
  }
  return labels.join('.')
}

/** Whether a host has only labels that every runtime reads alike. */
export function isTrueALabel(host: string): boolean {
  const name = unicodeHost(host)
  if (name === undefined) return false
  try {
    return new URL(`https://${name}`).hostname === host
  } catch {
    return false
  }
}
