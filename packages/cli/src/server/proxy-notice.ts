import type { Logger, Participant, ReceivedMessage } from '@countersign/server'
import { isPrivatePeer } from '@countersign/verify/internal'
import type { ProxySettings } from './participant.js'

/**
 * Logs a warning at the first request that a proxy seems to have forwarded while the settings name no proxy: then all callers behind
 * the proxy share one address.
 * @param o.proxies returns the current ones; a reload may have changed them
 */
export function noticeProxy(
  participant: Participant,
  o: {
    readonly log: Pick<Logger, 'warn'>
    /** The proxies that are named. */
    readonly proxies: () => ProxySettings['trustedProxies']
    /** The setting that names them, and what happens without it. */
    readonly setting?: { readonly name: string; readonly flag: string; readonly without: string }
  },
): Participant {
  let isLogged = false
  const notice = ({ peer, headers }: ReceivedMessage): void => {
    // A public peer may be a stranger, who can send any header.
    if (isLogged || peer === undefined || o.proxies() !== undefined || !isPrivatePeer(peer)) return
    const names = headers.map(([name]) => name.toLowerCase())
    const header = (['x-forwarded-for', 'forwarded'] as const).find(name => names.includes(name))
    if (header === undefined) return
    isLogged = true
    logProxy(o, peer.replace(/^::ffff:(?=\d+\.)/i, ''), header)
  }
  const { relay } = participant
  return {
    ...participant,
    handle(message) {
      notice(message)
      return participant.handle(message)
    },
    ...(relay !== undefined && {
      relay(message: ReceivedMessage) {
        notice(message)
        return relay(message)
      },
    }),
  }
}

const ofServer = {
  name: 'trustedProxies',
  flag: '--trusted-proxies',
  without: 'all its callers are counted as one',
}

function logProxy(
  { log, setting: { name, flag, without } = ofServer }: Parameters<typeof noticeProxy>[1],
  peer: string,
  header: 'x-forwarded-for' | 'forwarded',
): void {
  const also = header === 'forwarded' ? ' and forwardedHeader: forwarded' : ''
  log.warn(
    { event: 'unnamed_proxy', peer, header },
    `there seems to be a proxy at ${peer}: ${without}. Set ${name}: ['${peer}']${also} (${flag}) in the configuration, or ${name}: 0 if it is a caller`,
  )
}
