import type { Addresses } from '../addresses.js'
import type { SentExchange } from '../senders.js'
import type { PartyId, ShownMessage } from './contract.js'
import { tellOAuth } from './oauth-sentence.js'
import { isOAuth, oauthPartiesAt, partiesAt, partyAt, senderOf } from './parties.js'
import { tell } from './sentence.js'
import { signerOf } from './signer.js'

/** A message as the page shows it. */
export function shownMessage(exchange: SentExchange, id: number, addresses: Addresses): ShownMessage {
  const { at, request, response } = exchange
  const sender = senderOf(exchange, addresses)
  const to = partyAt(exchange.to, addresses)
  const names = [...partiesAt(addresses), ...oauthPartiesAt(addresses)]
  const nameOf = (party: PartyId): string => {
    const { name = party } = names.find(known => known.id === party) ?? {}
    return party === 'elsewhere' ? outsider(request.headers) : `the ${name.toLowerCase().replace('oauth', 'OAuth')}`
  }
  const teller = isOAuth(exchange, addresses) ? tellOAuth : tell
  const told = teller(exchange, { from: nameOf(sender.from), to: nameOf(to), person: sender.person })
  const signer = signerOf(exchange, addresses)
  const isSigned = signer !== 'unsigned' && !signer.startsWith('a user')
  return { id, at, ...sender, to, ...(isSigned ? { signer } : {}), ...told, request, response: { ...response } }
}

/** The visitor's own browser or program, in a sentence. */
function outsider(headers: ReadonlyArray<readonly [string, string]>): string {
  const isBrowser = headers.some(([name, value]) => name.toLowerCase() === 'user-agent' && value.startsWith('Mozilla/'))
  return isBrowser ? 'your browser' : 'your program'
}
