import type { ReceivedMessage } from '@countersign/httpsig'
import type { Route } from './requirement.js'

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** Whether the method of a request is one that changes nothing. */
export function hasSafeMethod({ method }: Pick<ReceivedMessage, 'method'>): boolean {
  return safeMethods.has(method)
}

/** Whether a request may change something: by its method, unless the protocol in its body says that it only reads. */
export function isUnsafe(message: Pick<ReceivedMessage, 'method'>, { reads }: Pick<Route, 'reads'>): boolean {
  return reads !== true && !hasSafeMethod(message)
}
