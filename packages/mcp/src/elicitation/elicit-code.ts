import type { DeviceCode, DeviceCodeOptions } from '@countersign/agent'
import { checkOptions } from '@countersign/protocol'
import { type ElicitingClient, elicit, refused } from './eliciting-client.js'

/** Whose user is shown a code. */
export interface ElicitCodeOptions {
  /** The client, or the one whose user the code is for: `code.user` is the key given to `forUser`. */
  readonly client: ElicitingClient | ((code: DeviceCode) => ElicitingClient | undefined)
  /** What is done where the client has no elicitation by URL. */
  readonly otherwise: DeviceCodeOptions['show']
}

/** Shows users a code by way of their MCP client, for `deviceCode({ show })`. The URL never holds the code (protocol §6.3). */
export function elicitCode(options: ElicitCodeOptions): DeviceCodeOptions['show'] {
  checkOptions('elicitCode', options, { client: 'object', otherwise: 'function' }, ['client', 'otherwise'])
  const { client, otherwise } = options
  return async code => {
    const asked = typeof client === 'function' ? client(code) : client
    const [issuer, resource] = [code.issuer, code.resource].map(id => new URL(id).host)
    const message = `${issuer} asks you whether to allow access to ${resource}; on any device, type in ${code.user_code}`
    const elicited = await elicit(asked, {
      ...{ url: code.verification_uri, message },
      ended: AbortSignal.timeout(code.expires_in * 1_000),
    })
    if (elicited.action === 'unable') return otherwise(code)
    if (elicited.action !== 'accept' && elicited.action !== 'ended') throw refused(elicited.action)
  }
}
