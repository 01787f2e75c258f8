import { type DeviceCode, deviceCode, type Interact, type Visit, type VisitUrl } from '@countersign/agent'
import { loopback, openBrowser } from '@countersign/agent/node'
import { renderUnicodeCompact } from 'uqr'
import { isBrowserThere } from './browser-there.js'
import { printable } from './output.js'
import { UsageError } from './usage-error.js'

/** Flags that say how a user is asked. */
export interface InteractFlags {
  readonly browser?: boolean
  readonly device?: boolean
}

/** The output that the user reads. */
export interface Terminal {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/**
 * Returns how the user is asked; undefined without a terminal. A code in a log would be read too late, so a job fails at once
 * rather than when its code expires.
 */
export function interactOf(
  flags: InteractFlags,
  terminal: Terminal,
  isThere: () => boolean = () => isBrowserThere(process),
): Interact | undefined {
  const show = (code: DeviceCode): void => showCode(code, terminal)
  if (asksByCode(flags)) return deviceCode({ show })
  if (flags.browser === false) return loopback({ open: visitBy(flags, terminal) })
  if (terminal.isTTY !== true) return undefined
  // The user's browser is probably on another machine, which cannot reach a listener on this one; a code works there.
  if (!isThere()) return deviceCode({ show, otherwise: loopback({ open: visitBy({ browser: false }, terminal) }) })
  return loopback({ open: visitBy(flags, terminal) })
}

/** Whether to show a code rather than open a page. @throws UsageError for both flags */
export function asksByCode({ device, browser }: InteractFlags): boolean {
  if (device === true && browser === false) throw new UsageError('use either --no-browser or --device')
  return device === true
}

/** Returns a function that opens a browser, or prints the URL with `--no-browser`. */
export function visitBy({ browser }: InteractFlags, terminal: Terminal): VisitUrl {
  const say = (text: string): void => void terminal.write(`${printable(`countersign: ${text}`)}\n`)
  if (browser === false) return (url, visit) => say(visitText('open', url, visit))
  return async (url, visit) => {
    const opened = await openBrowser(url).then(
      () => true,
      () => false,
    )
    say(visitText(opened ? 'a browser opens' : 'no browser could be started: open', url, visit))
  }
}

function visitText(verb: string, url: string, { issuer, resource, scope }: Visit): string {
  const what = scope === '' ? `${resource} asks for you` : `${issuer} asks you whether to allow ${scope} at ${resource}`
  return `${what}\n  ${verb} ${url}\n  waiting for your answer; Ctrl-C to stop`
}

/** Shows a code and where to type it in; in a terminal also a QR code of the URL, for the camera of the other device. */
export function showCode(code: DeviceCode, terminal: Terminal): void {
  terminal.write(`${printable(`countersign: ${codeText(code)}`)}\n`)
  // Never with the code: an attacker could send such a picture to a victim (protocol §6.3).
  if (terminal.isTTY === true) terminal.write(`${renderUnicodeCompact(code.verification_uri, { border: 2 })}\n`)
}

function codeText({ verification_uri, user_code, expires_in, issuer, resource, scope }: DeviceCode): string {
  const minutes = Math.ceil(expires_in / 60)
  return `${issuer} asks you whether to allow ${scope} at ${resource}\n  on any device, open ${verification_uri}\n  and type in ${user_code} within ${minutes} minutes; waiting for your answer, Ctrl-C to stop`
}
