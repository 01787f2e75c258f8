import { spawn } from 'node:child_process'
import { userUrl } from '../grant/user-url.js'

/** By platform: the program that opens a URL, and its arguments before the URL. Started without a shell. */
const openers: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  // Not `start`, a command of the shell, where `&` in a URL would end the command (command injection).
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/**
 * Opens a URL in the user's browser: https, or http on a loopback host. No shell is involved.
 * @throws TypeError for any other URL; Error when the program that opens it cannot be started
 * @see protocol §4 (3)
 */
export async function openBrowser(url: string): Promise<void> {
  const checked = checkUrl(url)
  const [program, ...first] = openers[process.platform] ?? ['xdg-open']
  // The checked URL begins with its scheme, so it cannot be read as a flag.
  const child = spawn(program, [...first, checked], { shell: false, detached: true, stdio: 'ignore' })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    // Replaced: Node's error lists the arguments, including the URL.
    child.once('error', () => reject(new Error(`${program} could not be started`)))
  })
  child.unref()
}

/**
 * Prints a URL for the user to standard error: https, or http on a loopback host.
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
