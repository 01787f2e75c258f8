import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { bodyStream, checkBody } from '../internal-node.js'

// The requests of tests beside it are cut off by their sender, so that the request says so in several ways. Here it says so in one.

const newRequest = (): IncomingMessage => new IncomingMessage(new Socket())
/** A read that waits longer than this would wait for ever. */
const late = pause(3000, 'late', { ref: false })

test(verifies('DIG-20', 'a request that was destroyed before its body was read is cut off'), async () => {
  const request = newRequest()
  const reader = bodyStream(request).getReader()
  request.destroy()
  await pause(5)
  await expect(Promise.race([reader.read(), late])).rejects.toMatchObject({ reason: 'request_cut_off' })
})

test(verifies('DIG-20', 'a request that is closed while its body is read is cut off, as HTTP/2 does it'), async () => {
  const request = newRequest()
  const reading = bodyStream(request).getReader().read()
  await pause(5)
  request.emit('close')
  await expect(Promise.race([reading, late])).rejects.toMatchObject({ reason: 'request_cut_off' })
})

test.each([
  [false, 1],
  [true, 0],
])(
  verifies('sig.body.bytes', 'a body whose request was aborted (%s) ends as whole %i times'),
  async (aborted, times) => {
    const request = newRequest()
    let ends = 0
    checkBody(request, { update: () => undefined, end: () => void ends++ })
    Object.defineProperty(request, 'readableAborted', { value: aborted })
    request.on('error', () => undefined)
    request.push(null)
    await pause(5)
    expect(ends).toBe(times)
  },
)
