// Fields whose values are credentials.
const secretFields = /^"(?:proxy-)?(?:authorization|cookie|set-cookie|agent-interaction|dpop|x-api-key)"/
const secretParameter =
  /([?&](?:code|state|key|sig|secret|password|interaction|[a-z_]{0,40}(?:token|secret|code|key))=)[^&#\s]+/gi
const tokenParameter = /(jwt=")([^"]{0,8})[^"]*/g
const tokenLike = /ey[A-Za-z0-9_-][A-Za-z0-9_.-]{17,}/g
const longest = 512

function shorten(token: string): string {
  return token.includes('.') ? `${token.slice(0, 8)}…(${token.length} characters)` : token
}

/** A value of the signature base, safe to show: tokens shortened, codes and credentials hidden, long texts cut. */
export function shownValue(identifier: string, value: string): string {
  if (secretFields.test(identifier)) return `…(${value.length} characters)`
  const safe = value
    .replace(tokenParameter, (whole, head: string, start: string) => `${head}${start}…(${whole.length - 5} characters)`)
    .replace(tokenLike, shorten)
    .replace(secretParameter, '$1…')
  return safe.length > longest ? `${safe.slice(0, longest)}…(${safe.length} characters)` : safe
}

/** A signature base, safe to show: {@link shownValue} for each line. */
export function shownBase(base: string): string {
  return base
    .split('\n')
    .map(line => {
      const colon = line.indexOf(': ')
      return `${line.slice(0, colon + 2)}${shownValue(line.slice(0, colon), line.slice(colon + 2))}`
    })
    .join('\n')
}
