import type { ReceivedMessage } from '@countersign/httpsig'
import { requestIdOf } from '@countersign/verify'
import type { AuthServerEvent } from './event.js'

/** What is decided about one request is told under its name. */
export function telling<C extends { readonly onEvent: (event: AuthServerEvent) => void }>(
  context: C,
  message: ReceivedMessage,
): C {
  const { onEvent } = context
  return { ...context, onEvent: (event: AuthServerEvent) => onEvent({ ...event, ...requestIdOf(message) }) }
}
