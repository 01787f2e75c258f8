import {
  type DeviceCode,
  deviceCode,
  type InboxQuestion,
  type Interact,
  inbox,
  type ShownQuestion,
  type Visit,
  type VisitUrl,
} from '@countersign/agent'
import { loopback, openBrowser } from '@countersign/agent/node'
import { renderUnicodeCompact } from 'uqr'
import { isBrowserThere } from './browser-there.js'
import { printable } from './output.js'
import { displayText } from './report.js'
import { UsageError } from './usage-error.js'

/** Flags that say how a user is asked. */
export interface InteractFlags {
  readonly browser?: boolean
  readonly device?: boolean
  /** Where approvals of single requests are asked for; default as everything else. */
  readonly approvals?: string
  /** What the user is told is one JSON object a line, for programs. */
  readonly json?: boolean
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
  const otherwise = shownBy(flags, terminal, isThere)
  if (flags.approvals !== 'inbox') return otherwise
  return inbox({ otherwise, show: question => showInbox(question, flags, terminal) })
}

function shownBy(flags: InteractFlags, terminal: Terminal, isThere: () => boolean): Interact | undefined {
  const show = (code: DeviceCode): void => {
    if (flags.json) tellUser({ flags, terminal }, codeText(code), code)
    else showCode(code, terminal)
  }
  if (asksByCode(flags)) return deviceCode({ show })
  if (flags.browser === false) return loopback({ open: visitBy(flags, terminal) })
  if (terminal.isTTY !== true) return undefined
  // The user's browser is probably on another machine, which cannot reach a listener on this one; a code works there.
  if (!isThere())
    return deviceCode({ show, otherwise: loopback({ open: visitBy({ ...flags, browser: false }, terminal) }) })
  return loopback({ open: visitBy(flags, terminal) })
}

/** Whether to show a code rather than open a page. @throws UsageError for both flags */
export function asksByCode({ device, browser }: InteractFlags): boolean {
  if (device === true && browser === false) throw new UsageError('use either --no-browser or --device')
  return device === true
}

/** Returns a function that opens a browser, or prints the URL with `--no-browser`. */
export function visitBy(flags: InteractFlags, terminal: Terminal): VisitUrl {
  const say = (verb: string, url: string, { ended, ...visit }: Visit): void =>
    tellUser({ flags, terminal }, visitText(verb, url, { ended, ...visit }), { ...visit, url })
  if (flags.browser === false) return (url, visit) => say('open', url, visit)
  return async (url, visit) => {
    const opened = await openBrowser(url).then(
      () => true,
      () => false,
    )
    say(opened ? 'a browser opens' : 'no browser could be started: open', url, visit)
  }
}

/** Tells the user that the command waits for them, and for what; a program gets the facts of the question. */
function tellUser(
  { flags, terminal }: { readonly flags: InteractFlags; readonly terminal: Terminal },
  text: string,
  facts: object,
): void {
  const told = flags.json ? JSON.stringify({ event: 'waiting', ...facts }) : `countersign: ${text}`
  terminal.write(`${printable(told)}\n`)
}

/** Says that a question waits in the inbox of its user, and that the command waits for the answer. */
export function showInbox(question: InboxQuestion, flags: InteractFlags, terminal: Terminal): void {
  const minutes = Math.ceil(question.expires_in / 60)
  const text = `${questionText(question)}\n  in your inbox there, for ${minutes} minutes; waiting for your answer, Ctrl-C to stop`
  tellUser({ flags, terminal }, text, question)
}

function visitText(verb: string, url: string, visit: Visit): string {
  const what = visit.scope === '' ? `${visit.resource} asks for you` : questionText(visit)
  return `${what}\n  ${verb} ${url}\n  waiting for your answer; Ctrl-C to stop`
}

/** What the auth server asks the user: a scope, or one request in the words of the resource. */
function questionText({ issuer, resource, scope, operation }: ShownQuestion): string {
  if (operation === undefined) return `${issuer} asks you whether to allow ${scope} at ${resource}`
  const { name, display = [] } = operation
  const shown = displayText(display)
  return `${issuer} asks you to approve one request, ${name}, at ${resource}${shown === '' ? '' : `\n  ${shown}`}`
}

/** Shows a code and where to type it in; in a terminal also a QR code of the URL, for the camera of the other device. */
export function showCode(code: DeviceCode, terminal: Terminal): void {
  terminal.write(`${printable(`countersign: ${codeText(code)}`)}\n`)
  // Never with the code: an attacker could send such a picture to a victim (protocol §6.3).
  if (terminal.isTTY === true) terminal.write(`${renderUnicodeCompact(code.verification_uri, { border: 2 })}\n`)
}

function codeText(code: DeviceCode): string {
  const { verification_uri, user_code, expires_in } = code
  const minutes = Math.ceil(expires_in / 60)
  return `${questionText(code)}\n  on any device, open ${verification_uri}\n  and type in ${user_code} within ${minutes} minutes; waiting for your answer, Ctrl-C to stop`
}
