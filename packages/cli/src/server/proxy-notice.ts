import type { Logger, Participant } from '@countersign/server'
import { isPrivatePeer } from '@countersign/verify'
import type { ProxySettings } from './participant.js'

/**
 * The participant, with one line in the log at the first request that a proxy seems to have passed on while the settings name none:
 * until they do, everyone behind it has one address.
 * @param o.settings those that count now; a reload may have changed them
 */
export function noticeProxy(
  participant: Participant,
  o: { readonly log: Pick<Logger, 'warn'>; readonly settings: () => ProxySettings },
): Participant {
  let isTold = false
  return {
    ...participant,
    handle(message) {
      const { peer, headers } = message
      // A public peer may be a stranger, who can send any header.
      if (isTold || peer === undefined || o.settings().trustedProxies !== undefined || !isPrivatePeer(peer))
        return participant.handle(message)
      const names = headers.map(([name]) => name.toLowerCase())
      const header = (['x-forwarded-for', 'forwarded'] as const).find(name => names.includes(name))
      if (header !== undefined) {
        isTold = true
        tell(o.log, peer.replace(/^::ffff:(?=\d+\.)/i, ''), header)
      }
      return participant.handle(message)
    },
  }
}

function tell(log: Pick<Logger, 'warn'>, peer: string, header: 'x-forwarded-for' | 'forwarded'): void {
  const also = header === 'forwarded' ? ' and forwardedHeader: forwarded' : ''
  log.warn(
    { event: 'unnamed_proxy', peer, header },
    `a proxy at ${peer} seems to stand in front: all its callers count as one. Write trustedProxies: ['${peer}']${also} (--trusted-proxies) in the configuration, or trustedProxies: 0 if it is a caller`,
  )
}
