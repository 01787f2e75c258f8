import { type DeviceCode, deviceCode, type Interact, type Visit } from '@countersign/agent'
import { loopback, openBrowser } from '@countersign/agent/node'
import { renderUnicodeCompact } from 'uqr'
import { UsageError } from '../usage-error.js'

/** How the user of the command is asked; undefined when there is nobody to ask. */
export function interactOf(
  flags: { readonly browser?: boolean; readonly device?: boolean },
  terminal: { readonly isTTY?: boolean; write(text: string): unknown },
): Interact | undefined {
  const say = (text: string): void => void terminal.write(`countersign: ${text}\n`)
  if (flags.device === true && flags.browser === false) throw new UsageError('use either --no-browser or --device')
  if (flags.device === true) return deviceCode({ show: code => showCode(code, terminal) })
  if (flags.browser === false) return loopback({ open: (url, visit) => say(visitText('open', url, visit)) })
  if (terminal.isTTY !== true) return undefined
  return loopback({
    async open(url, visit) {
      const opened = await openBrowser(url).then(
        () => true,
        () => false,
      )
      say(visitText(opened ? 'a browser opens' : 'no browser could be started: open', url, visit))
    },
  })
}

function visitText(verb: string, url: string, { issuer, resource, scope }: Visit): string {
  const what = scope === '' ? `${resource} asks for you` : `${issuer} asks you whether to allow ${scope} at ${resource}`
  return `${what}\n  ${verb} ${url}\n  waiting for your answer; Ctrl-C to stop`
}

/** Shows where to go and what to type in there; in a terminal also a picture of where to go, for the camera of the other device. */
export function showCode(code: DeviceCode, terminal: { readonly isTTY?: boolean; write(text: string): unknown }): void {
  terminal.write(`countersign: ${codeText(code)}\n`)
  // Never of the code: a picture that holds both could be sent to anybody (protocol §6.3).
  if (terminal.isTTY === true) terminal.write(`${renderUnicodeCompact(code.verification_uri, { border: 2 })}\n`)
}

function codeText({ verification_uri, user_code, expires_in, issuer, resource, scope }: DeviceCode): string {
  const minutes = Math.ceil(expires_in / 60)
  return `${issuer} asks you whether to allow ${scope} at ${resource}\n  on any device, open ${verification_uri}\n  and type in ${user_code} within ${minutes} minutes; waiting for your answer, Ctrl-C to stop`
}
