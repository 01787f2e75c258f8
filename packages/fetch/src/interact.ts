import { type DeviceCode, deviceCode, type Interact, type Visit, type VisitUrl } from '@countersign/agent'
import { loopback, openBrowser } from '@countersign/agent/node'
import { renderUnicodeCompact } from 'uqr'
import { isBrowserThere } from './browser-there.js'
import { printable } from './output.js'
import { UsageError } from './usage-error.js'

/** The flags that say how a user is asked. */
export interface InteractFlags {
  readonly browser?: boolean
  readonly device?: boolean
}

/** Where a user reads what the command says. */
export interface Terminal {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/**
 * How the user of the command is asked; undefined when there is nobody to ask. What no terminal shows, a log or a mail shows
 * when it is too late: a job then fails at once rather than at the end of a code that nobody has read.
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
  // Their browser is likely on another machine, which reaches no listener of this one: that is what codes are for.
  if (!isThere()) return deviceCode({ show, otherwise: loopback({ open: visitBy({ browser: false }, terminal) }) })
  return loopback({ open: visitBy(flags, terminal) })
}

/** Whether a code is shown rather than a page opened. */
export function asksByCode({ device, browser }: InteractFlags): boolean {
  if (device === true && browser === false) throw new UsageError('use either --no-browser or --device')
  return device === true
}

/** Opens a browser or prints where to go, with or without a terminal. */
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

/** Shows where to go and what to type in there; in a terminal also a picture of where to go, for the camera of the other device. */
export function showCode(code: DeviceCode, terminal: Terminal): void {
  terminal.write(`${printable(`countersign: ${codeText(code)}`)}\n`)
  // Never of the code: a picture that holds both could be sent to anybody (protocol §6.3).
  if (terminal.isTTY === true) terminal.write(`${renderUnicodeCompact(code.verification_uri, { border: 2 })}\n`)
}

function codeText({ verification_uri, user_code, expires_in, issuer, resource, scope }: DeviceCode): string {
  const minutes = Math.ceil(expires_in / 60)
  return `${issuer} asks you whether to allow ${scope} at ${resource}\n  on any device, open ${verification_uri}\n  and type in ${user_code} within ${minutes} minutes; waiting for your answer, Ctrl-C to stop`
}
