const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
const longest = 8192

/**
 * A URL that a user may be sent to, in the parser's own spelling; undefined for any other. What another party chose must
 * not start a program, open a file or look like a flag of the one that opens it.
 * @see protocol §4 (3)
 */
export function userUrl(value: unknown, { development }: { readonly development: boolean }): string | undefined {
  if (typeof value !== 'string' || value.length > longest || !URL.canParse(value)) return undefined
  const { protocol, hostname, username, password, href } = new URL(value)
  // Who reads https://bank.example@evil.example believes to be sent to a bank.
  if (username !== '' || password !== '') return undefined
  return protocol === 'https:' || (protocol === 'http:' && development && loopbackHost.test(hostname))
    ? href
    : undefined
}
