const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
const longest = 8192

/**
 * Returns a URL that a user may be sent to, in the spelling of the URL parser; undefined for any other. A URL from another
 * party must not start a program, open a file, or read as a flag of the program that opens it (argument injection).
 * @see protocol §4 (3)
 */
export function userUrl(value: unknown, { development }: { readonly development: boolean }): string | undefined {
  // agent.checks.user-url
  if (typeof value !== 'string' || value.length > longest || !URL.canParse(value)) return undefined
  const { protocol, hostname, username, password, href } = new URL(value)
  // A user who reads https://bank.example@evil.example sees a bank (phishing).
  if (username !== '' || password !== '') return undefined // agent.checks.user-url
  // agent.checks.user-url
  return protocol === 'https:' || (protocol === 'http:' && development && loopbackHost.test(hostname))
    ? href
    : undefined
}
