import type { ReceivedMessage } from '@countersign/httpsig'
import { asAAuthError } from '@countersign/protocol/internal'
import type { Resource } from '@countersign/resource'

/** Reports refusals that happen before any route judges a request in the events of the resource, too. */
export function checkAndReport<T>(
  resource: Pick<Resource, 'refused'>,
  message: ReceivedMessage,
  check: (message: ReceivedMessage) => T,
): T {
  try {
    return check(message)
  } catch (thrown) {
    return reporting(resource, message)(thrown)
  }
}

/** The same for a promise: `catch(reporting(resource, message))` reports what it rejects with, and rejects with it. */
export function reporting(
  { refused }: Pick<Resource, 'refused'>,
  message: ReceivedMessage,
): (thrown: unknown) => never {
  return thrown => {
    refused(message, asAAuthError(thrown))
    throw thrown
  }
}
