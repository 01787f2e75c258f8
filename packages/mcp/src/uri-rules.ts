/**
 * The rule for a URI: exact, or of the longest beginning that ends in `*`.
 *
 * Servers look for a URI as the URL parser spells it, decode it, and keep their files in one normal form of Unicode:
 * `note://x/../private`, `NOTE://private` or `note://priv%61te` must not go by a looser rule than what they lead to. Nothing
 * where two spellings have two rules.
 * @throws TypeError for two rules that differ in nothing but how a text is encoded
 */
export function uriRules<T>(rules: ReadonlyMap<string, T>): (uri: string) => T | undefined {
  const asSaid = new Map([...rules].map(([pattern, rule]) => [inAscii(pattern), rule]))
  const composed = new Map([...rules].map(([pattern, rule]) => [inAscii(inOneForm(pattern)), rule]))
  if (composed.size < rules.size) throw new TypeError('two rules are for one URI in two spellings')
  return name => {
    const uri = inAscii(name)
    const exact = asSaid.get(uri)
    if (exact !== undefined) return exact
    const rule = longestPrefix(asSaid, uri)
    const decoded = decodedOf(uri)
    // What cannot be decoded each server takes for something else.
    const others =
      decoded === undefined
        ? [...rules.values()]
        : [...parsed(uri).map(found(asSaid)), ...parsed(decoded.normalize('NFC')).map(found(composed))]
    return others.every(other => other === rule) ? rule : undefined
  }
}

function decodedOf(uri: string): string | undefined {
  try {
    return decodeURIComponent(uri)
  } catch {
    return undefined
  }
}

function parsed(uri: string): string[] {
  return (URL.canParse(uri) ? [uri, new URL(uri).href] : [uri]).map(inAscii)
}

/** With what is not ASCII as the URL parser spells it. */
function inAscii(text: string): string {
  return text.replaceAll(/[^\0-\x7f]+/g, encodeURIComponent)
}

function inOneForm(pattern: string): string {
  return pattern.replaceAll(/(?:%[89a-f][0-9a-f])+/gi, bytes => decodedOf(bytes) ?? bytes).normalize('NFC')
}

function found<T>(rules: ReadonlyMap<string, T>): (uri: string) => T | undefined {
  return uri => rules.get(uri) ?? longestPrefix(rules, uri)
}

function longestPrefix<T>(rules: ReadonlyMap<string, T>, uri: string): T | undefined {
  let best: { readonly length: number; readonly rule: T } | undefined
  for (const [pattern, rule] of rules) {
    const prefix = pattern.slice(0, -1)
    if (!pattern.endsWith('*') || !uri.startsWith(prefix) || prefix.length < (best?.length ?? 0)) continue
    best = { length: prefix.length, rule }
  }
  return best?.rule
}
