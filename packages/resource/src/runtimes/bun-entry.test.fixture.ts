import { handle } from './fetch-remote.test.fixture.js'

interface Server {
  requestIP(request: Request): { readonly address: string } | null
}

declare const Bun: { serve(options: object): { readonly port: number } }
const { port } = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  maxRequestBodySize: 64 * 1024 * 1024,
  fetch: (request: Request, server: Server) => handle(request, server.requestIP(request)?.address),
})
console.log(` ready at ${port}`)
