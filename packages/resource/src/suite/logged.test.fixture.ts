import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { type LogLimit, logLimit } from '@countersign/protocol'
import { pino } from 'pino'
import { logTo, type Observer } from '../index.js'
import type { World } from '../world.test.fixture.js'

/** As an app names requests that has a proxy in front. */
export const nameByProxy = (message: ReceivedMessage): string | undefined => headerValues(message, 'x-request-id')[0]

/** What a resource that logs as its README has it writes: a line for each record. */
export function logged(): { readonly lines: string[]; readonly limit: LogLimit; readonly tell: Observer } {
  const lines: string[] = []
  const logger = pino({ base: null, timestamp: false }, { write: line => lines.push(line) })
  const limit = logLimit(logger)
  return { lines, limit, tell: logTo(logger, { limit }) }
}

/** Events go to a log, and to the world, whose tests look at them. */
export function toBoth({ events }: World, tell: Observer): Observer {
  return event => {
    events.push(event)
    tell(event)
  }
}
