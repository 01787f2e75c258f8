import { pathOfRequest } from '@countersign/httpsig/internal'
import { fetchSite } from '../fetch-pages.test.fixture.js'
import { control, remoteSite } from './remote-site.test.fixture.js'

const site = remoteSite(fetchSite)

/** The site and its control as one Fetch handler. */
export async function handle(request: Request, address?: string): Promise<Response> {
  const pathname = pathOfRequest(request)
  if (pathname.startsWith(control)) return new Response(await site.answer(pathname, await request.text()))
  const answer = await site
    .current()?.(request, address)
    .catch((error: unknown) => {
      site.plan()?.failed.push(error)
      return new Response('broken', { status: 500 })
    })
  return answer ?? new Response(null, { status: 503 })
}
