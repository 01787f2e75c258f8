import { spawn } from 'node:child_process'
import { userUrl } from '../grant/user-url.js'

/** The program that opens a URL, and what goes before the URL; started as it is, without a shell. */
const openers: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  // `start` is a command of the shell, to which `&` in a URL ends a command.
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/**
 * Opens a URL in the user's browser: https, or http on a loopback host, and nothing else. No shell sees it.
 * @throws TypeError for any other URL; Error when there is no program that opens it
 * @see protocol §4 (3)
 */
export async function openBrowser(url: string): Promise<void> {
  const checked = checkUrl(url)
  const [program, ...first] = openers[process.platform] ?? ['xdg-open']
  // The parser's spelling begins with its scheme, so that it is no flag.
  const child = spawn(program, [...first, checked], { shell: false, detached: true, stdio: 'ignore' })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    // Node's own error lists the arguments, the URL among them.
    child.once('error', () => reject(new Error(`${program} could not be started`)))
  })
  child.unref()
}

/**
 * Prints a URL for the user to open, to standard error: https, or http on a loopback host.
 * @throws TypeError for any other URL
 */
export function printUrl(url: string): void {
  process.stderr.write(`Open this page to go on: ${checkUrl(url)}\n`)
}

function checkUrl(url: string): string {
  const checked = userUrl(url, { development: true })
  if (checked === undefined) throw new TypeError('only https URLs, and http ones of a loopback host, are opened')
  return checked
}
