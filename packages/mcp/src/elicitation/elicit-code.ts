import type { DeviceCode, DeviceCodeOptions } from '@countersign/agent'
import { checkOptions } from '@countersign/protocol/internal'
import { type ElicitingClient, elicit, questionText, refusalError } from './eliciting-client.js'

/** The options of `elicitCode`. */
export interface ElicitCodeOptions {
  /** The client, or a function that returns the client of a code's user: `code.user` is the key given to `forUser`. */
  readonly client: ElicitingClient | ((code: DeviceCode) => ElicitingClient | undefined)
  /** Shows the code when the client cannot elicit by URL. */
  readonly otherwise: DeviceCodeOptions['show']
}

/** Shows users a code through their MCP client, for `deviceCode({ show })`. The URL never holds the code (protocol §6.3). */
export function elicitCode(options: ElicitCodeOptions): DeviceCodeOptions['show'] {
  checkOptions('elicitCode', options, { client: 'object', otherwise: 'function' }, ['client', 'otherwise'])
  const { client, otherwise } = options
  return async code => {
    const asked = typeof client === 'function' ? client(code) : client
    const message = `${questionText(code)}; on any device, type in ${code.user_code}`
    const ended = AbortSignal.timeout(code.expires_in * 1_000)
    const elicited = await elicit(asked, { url: code.verification_uri, message, ended })
    if (elicited.action === 'unable') return otherwise(code)
    if (elicited.action !== 'accept' && elicited.action !== 'ended') throw refusalError(elicited.action)
  }
}
