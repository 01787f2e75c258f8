import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { nodeSite } from '../node-site.test.fixture.js'
import { control, remoteSite } from './remote-site.test.fixture.js'

const site = remoteSite(nodeSite)
const server = createServer((request, response) => {
  if (request.url?.startsWith(control))
    void text(request)
      .then(body => site.answer(request.url ?? '', body))
      .then(answer => response.end(answer))
  else site.current()?.(request, response)
})
server.listen(0, '127.0.0.1', () => console.log(` ready at ${(server.address() as AddressInfo).port}`))
