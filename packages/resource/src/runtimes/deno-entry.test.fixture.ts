import { handle } from './fetch-remote.test.fixture.js'

declare const Deno: { serve(options: object, handler: object): unknown }
Deno.serve(
  { port: 0, hostname: '127.0.0.1', onListen: ({ port }: { port: number }) => console.log(` ready at ${port}`) },
  (request: Request, info: { readonly remoteAddr: { readonly hostname: string } }) =>
    handle(request, info.remoteAddr.hostname),
)
