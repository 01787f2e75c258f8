import { base64Encode } from '#base64url'
import { sha512 } from '#crypto'
import { writeContentDigest } from '../digest/content-digest.js'
import { headerValues, type ReceivedMessage, trimOws } from '../message/received-message.js'
import { serializeSignatureKey } from '../signature/signature-key.js'
import type { SignatureCause } from './cause.js'
import { parameterVariants } from './parameters.js'
import { signatureVariants } from './value.js'
import type { Variant, VariantSource } from './variant.js'

function firstValue(message: ReceivedMessage, name: string): string | undefined {
  const value = headerValues(message, name)[0]
  return value === undefined ? undefined : trimOws(value)
}

function forwardedHosts(message: ReceivedMessage): string[] {
  const forwarded = firstValue(message, 'forwarded')?.slice(0, 1024)
  const inForwarded = forwarded === undefined ? undefined : /(?:^|[;,])\s?host="?([^";,]{1,256})/i.exec(forwarded)?.[1]
  return [
    firstValue(message, 'x-forwarded-host')?.split(',', 1)[0],
    firstValue(message, 'x-original-host'),
    inForwarded,
  ]
    .filter(host => host !== undefined && host !== '')
    .map(host => String(host))
}

function authorityVariants({ message, reading, authorities }: VariantSource): Variant[] {
  const { authority, scheme } = reading
  const at = '@authority'
  const made = (cause: SignatureCause, change: string, signed: string): Variant => ({
    cause,
    at,
    change,
    signed,
    reading: { authority: signed },
  })
  const bare = authority.replace(/:\d+$/, '')
  const port = scheme === 'https' ? '443' : '80'
  const host = firstValue(message, 'host')
  const variants = [
    bare === authority
      ? made('authority-port', 'leave the default port out of @authority', `${authority}:${port}`)
      : made('authority-port', 'keep the port in @authority: it is not the default one', bare),
  ]
  if (host !== undefined && host.toLowerCase() === authority)
    variants.push(made('authority-case', 'write @authority in lower case', host))
  else if (host !== undefined)
    variants.push(
      made(
        'authority-host',
        "sign the authority of the verifier's URL, whatever Host a proxy put in the request",
        host,
      ),
      made(
        'authority-host',
        "sign the authority of the verifier's URL, whatever Host a proxy put in the request",
        host.toLowerCase().replace(/:(?:443|80)$/, ''),
      ),
    )
  variants.push(made('authority-case', 'write @authority in lower case', authority.toUpperCase()))
  for (const other of authorities.slice(0, 4))
    variants.push(
      made('authority-other', 'sign the authority the request is sent to, not another of the same verifier', other),
    )
  for (const other of forwardedHosts(message).slice(0, 2))
    variants.push(
      made(
        'authority-forwarded',
        'tell the verifier the authority it is reached at: forwarded headers are never trusted for @authority',
        other,
      ),
    )
  variants.push(made('authority-scheme', 'sign @authority without scheme and slashes', `${scheme}://${authority}`))
  return variants
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function pathVariants({ message, reading }: VariantSource): Variant[] {
  const { path, query } = reading
  const made = (cause: SignatureCause, change: string, signed: string): Variant => ({
    cause,
    at: '@path',
    change,
    signed,
    reading: { path: signed },
  })
  const variants = [
    path.endsWith('/')
      ? made('path-slash', 'sign @path with the trailing slash it is sent with', path.slice(0, -1))
      : made('path-slash', 'sign @path without a trailing slash, as it is sent', `${path}/`),
    made('path-decoded', 'sign the path as it stands in the request line, with its % escapes', decoded(path)),
    made('path-encoded', 'sign the path as it stands in the request line, not escaped once more', encodeURI(path)),
    made('path-encoded', 'sign the path as it stands in the request line, not escaped anew', encodeURI(decoded(path))),
    made('path-encoded', 'write the hexadecimal digits of % escapes as they are sent', recased(path, 'lower')),
    made('path-encoded', 'write the hexadecimal digits of % escapes as they are sent', recased(path, 'upper')),
  ]
  if (query !== undefined)
    variants.push(made('path-with-query', 'sign @path without the query; @query covers it', path + query))
  const original = firstValue(message, 'x-original-url') ?? firstValue(message, 'x-original-uri')
  const prefix = firstValue(message, 'x-forwarded-prefix')
  const forwarded = original?.split('?', 1)[0] ?? (prefix === undefined ? undefined : prefix + path)
  if (forwarded !== undefined)
    variants.push(
      made('path-forwarded', 'let the proxy pass the path on unchanged: the verifier sees another one', forwarded),
    )
  return variants
}

function recased(text: string, to: 'lower' | 'upper'): string {
  return text.replace(/%[0-9a-f]{2}/gi, code => (to === 'lower' ? code.toLowerCase() : code.toUpperCase()))
}

function queryVariants({ reading }: VariantSource): Variant[] {
  const { query } = reading
  const made = (cause: SignatureCause, change: string, signed: string): Variant => ({
    cause,
    at: '@query',
    change,
    signed,
    reading: { query: signed },
  })
  if (query === undefined) return [made('query-empty', 'do not cover @query when the target has no question mark', '?')]
  const pairs = query.slice(1).split('&')
  return [
    made('query-mark', 'sign @query with its leading question mark', query.slice(1)),
    made('query-empty', 'sign the query that is sent: the signature is over an empty one', '?'),
    made('query-empty', 'sign the query that is sent: the signature is over an empty one', ''),
    made(
      'query-order',
      'sign the query parameters in the order they are sent in',
      `?${[...pairs].sort((a, b) => (a < b ? -1 : 1)).join('&')}`,
    ),
    made(
      'query-order',
      'sign the query parameters in the order they are sent in',
      `?${[...pairs].reverse().join('&')}`,
    ),
    made('query-space', 'spell spaces in the signed query as they are sent', query.replaceAll('+', '%20')),
    made('query-space', 'spell spaces in the signed query as they are sent', query.replaceAll('%20', '+')),
    made('query-decoded', 'sign the query as it is sent, with its % escapes', decoded(query)),
    made('query-encoded', 'sign the query as it is sent, not escaped once more', encodeURI(query)),
    made('query-encoded', 'sign the query as it is sent, not escaped anew', encodeURI(decoded(query))),
  ].filter(variant => variant.signed !== query)
}

function methodVariants({ reading }: VariantSource): Variant[] {
  const upper = reading.method.toUpperCase()
  return [reading.method.toLowerCase(), ...['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE']].map(method => ({
    cause: 'method',
    at: '@method',
    change:
      method.toUpperCase() === upper
        ? 'sign the method in the case it is sent in'
        : 'sign the method the request arrives with; a redirect or a proxy may have changed it',
    signed: method,
    reading: { method },
  }))
}

function fieldVariant(at: string, value: string, cause: SignatureCause, change: string): Variant {
  return { cause, at, change, signed: value, reading: { fields: { [at]: value } } }
}

async function digestVariants({ message }: VariantSource): Promise<Variant[]> {
  const body = message.body ?? new Uint8Array()
  const short = await writeContentDigest(body)
  const long = `sha-512=:${base64Encode(await sha512(body))}:`
  const change = 'sign the Content-Digest that is sent: the one in the request is not the one that was signed'
  return [short, long, `${short}, ${long}`, `${long}, ${short}`, await writeContentDigest(new Uint8Array())].map(
    value => fieldVariant('content-digest', value, 'content-digest', change),
  )
}

function contentTypeVariants(value: string): Variant[] {
  const change = 'sign Content-Type exactly as it is sent, parameters and case too'
  const [bare = ''] = value.split(';', 1)
  const values = [bare.trim(), `${value}; charset=utf-8`, `${value};charset=utf-8`, `${value};charset=UTF-8`]
  return [...values, value.replace(/;\s*/, ';'), value.replace(/;\s*/, '; ')].map(signed =>
    fieldVariant('content-type', signed, 'content-type', change),
  )
}

function plainFieldVariants(name: string, lines: readonly string[]): Variant[] {
  const value = lines.join(', ')
  const spacing = 'sign the header value as it is sent: only white space at its ends goes'
  const several = 'join the lines of a header with a comma and one space, in their order'
  const linesJoined = [lines.join(','), lines[0] ?? '', lines.at(-1) ?? '']
  const cause = name === 'content-type' ? 'content-type' : 'header-case'
  return [
    ...(lines.length > 1 ? linesJoined : []).map(signed => fieldVariant(name, signed, 'header-lines', several)),
    fieldVariant(name, value.toLowerCase(), cause, 'sign the header value in the case it is sent in'),
    fieldVariant(name, value.replace(/[ \t]+/g, ' '), 'header-spacing', spacing),
    fieldVariant(name, value.replace(/[ \t]+/g, ''), 'header-spacing', spacing),
    fieldVariant(name, ` ${value}`, 'header-spacing', spacing),
  ]
}

function signatureKeyVariants({ message, signatureKey }: VariantSource): Variant[] {
  if (signatureKey === undefined) return []
  const value = firstValue(message, 'signature-key') ?? ''
  const { label, key } = signatureKey
  const member = value.slice(label.length + 1)
  const old = `${label}=(${member.replace(/^([a-z_0-9]+)/, 'scheme=$1').replace(/;\s*/g, ' ')})`
  const spelled = 'sign signature-key as it is sent, label and all'
  const odd = 'sign signature-key in the spelling it is sent in, not in the older parenthesised one'
  const made = (signed: string, change: string, cause: SignatureCause): Variant =>
    fieldVariant('signature-key', signed, cause, change)
  return [
    made(old, odd, 'old-signature-key'),
    made(old.replace(/ alg="[^"]*"/, ''), odd, 'old-signature-key'),
    made(member, spelled, 'signature-key-spelling'),
    made(value.replace(/;\s*/g, '; '), spelled, 'signature-key-spelling'),
    made(serializeSignatureKey(label, key), spelled, 'signature-key-spelling'),
  ]
}

/** Every single change that is worth a try, the likeliest first; only of what the signature covers. */
export async function variantsOf(source: VariantSource): Promise<Variant[]> {
  const covered = new Set(source.input.components.map(component => component.name))
  const uri = covered.has('@target-uri')
  const target = uri || covered.has('@request-target')
  const has = (name: string, wider = false): boolean => wider || covered.has(name)
  const variants: Variant[] = []
  if (has('@authority', uri)) variants.push(...authorityVariants(source))
  if (has('@path', target)) variants.push(...pathVariants(source))
  if (has('@query', target)) variants.push(...queryVariants(source))
  if (has('@method')) variants.push(...methodVariants(source))
  variants.push(...signatureVariants(source))
  if (has('content-digest')) variants.push(...(await digestVariants(source)))
  for (const name of covered) {
    if (name.startsWith('@') || name === 'signature-key' || name === 'content-digest') continue
    const lines = headerValues(source.message, name).map(trimOws)
    if (name === 'content-type') variants.push(...contentTypeVariants(lines.join(', ')))
    if (lines.length > 0) variants.push(...plainFieldVariants(name, lines))
  }
  if (has('signature-key')) variants.push(...signatureKeyVariants(source))
  if (has('@scheme', uri)) {
    const scheme = source.reading.scheme === 'https' ? 'http' : 'https'
    const change = 'sign the scheme the verifier is reached with; behind a proxy that ends TLS it is https'
    variants.push({ cause: 'scheme', at: '@scheme', change, signed: scheme, reading: { scheme } })
  }
  variants.push(...parameterVariants(source))
  return variants
}
