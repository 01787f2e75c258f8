import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoggedReason } from './judge.js'
import { lineOf } from './wire.js'

/** Bytes at the end of a log that are read. */
const most = 262_144

/** Reads the reason of a refusal in the logs, by the id of its request: pages and answers to HEAD do not say it. */
export function loggedReason(logs: readonly string[]): LoggedReason {
  return async ({ response }) => {
    const id = lineOf(response.headers, 'x-request-id')
    if (id === undefined) return undefined
    // The log comes by another way than the response.
    for (let rounds = 0; rounds < 10; rounds++) {
      for (const log of logs) {
        const reason = reasonIn(await endOf(log), id)
        if (reason !== undefined) return reason
      }
      await sleep(50)
    }
    return undefined
  }
}

async function endOf(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return ''
  try {
    const { size } = await file.stat()
    const length = Math.min(size, most)
    const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: size - length })
    return buffer.toString('utf8')
  } finally {
    await file.close()
  }
}

function reasonIn(text: string, id: string): string | undefined {
  for (const line of text.split('\n')) {
    if (!line.includes(id) || !line.includes('"reason"')) continue
    try {
      const { request_id, reason } = JSON.parse(line) as Readonly<Record<string, unknown>>
      if (request_id === id && typeof reason === 'string') return reason
    } catch {
      // The first line may begin before what was read.
    }
  }
  return undefined
}
