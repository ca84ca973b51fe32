/** Properties of what the WebDAV door reads and writes: addresses, If headers, XML. */
import test from 'ava'
import fc from 'fast-check'
import { parseIf, tokensOf } from '../../gateway/webdav/if-header.js'
import { hrefOf, isDavUrl, parseDavTarget, partsOfObject } from '../../gateway/webdav/target.js'
import { parseXml, XmlError, type XmlElement } from '../../gateway/webdav/xml-reading.js'
import { escapeXml, innerXml } from '../../gateway/webdav/xml-writing.js'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'

const partOf = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((part) => !/[/\\\u0000-\u001f\u007f]/.test(part) && part !== '.' && part !== '..')
  .filter((part) => isWellFormed(part))

test('an address is read back as it was written', (t) => {
  fc.assert(
    fc.property(fc.array(partOf, { maxLength: 5 }), fc.boolean(), (parts, isFolder) => {
      const href = hrefOf('/-/w/tag-1/-/dav', parts, isFolder)
      const target = parseDavTarget(href)
      return (
        target.kind === 'target' &&
        target.tag === 'tag-1' &&
        JSON.stringify(target.parts) === JSON.stringify(parts) &&
        target.isFolder === (isFolder || parts.length === 0)
      )
    }),
  )
  t.pass()
})

test('every object has one address, which is read back as that object', (t) => {
  const digest = 'ab'.repeat(32)
  for (const repository of ['', 'repo', 'a/b'] as RepositoryId[]) {
    for (const type of ['keys', 'locks', 'snapshots', 'index', 'data']) {
      const object = `${type}/${digest}` as ObjectName
      const target = parseDavTarget(hrefOf('/-/dav', partsOfObject(repository, object), false))
      t.deepEqual(target.kind === 'target' && target.place, {
        kind: 'object',
        repository,
        object,
      })
    }
  }
})

test('any text is read as an address without an error, and never as one outside', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc
      .array(
        fc.constantFrom(
          '/',
          '%2e',
          '.',
          '%2f',
          '%5c',
          '%',
          '-',
          'dav',
          'w',
          'keys',
          'a',
          '?',
          '#',
          '%00',
        ),
      )
      .map((parts) => `/-/dav/${parts.join('')}`),
  )
  fc.assert(
    fc.property(text, (url) => {
      isDavUrl(url)
      const target = parseDavTarget(url)
      return (
        target.kind === 'refused' ||
        !target.parts.some((part) => /^\.{0,2}$|[/\\\0]/.test(part))
      )
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

test('the door answers for its own addresses only', (t) => {
  for (const url of ['/-/dav', '/-/dav/', '/-/dav?x', '/-/w/t/-/dav/a', 'http://h/-/dav/a']) {
    t.true(isDavUrl(url), url)
  }
  for (const url of ['/', '/-/', '/-/davx', '/a/-/dav/', '/-/w/-/dav', '/-/w/t/repo/-/dav']) {
    t.false(isDavUrl(url), url)
  }
})

test('If headers: the examples of RFC 4918', (t) => {
  t.deepEqual(parseIf('(<urn:uuid:1> ["I am an ETag"]) (["I am another ETag"])'), [
    {
      conditions: [
        { isNegated: false, kind: 'token', value: 'urn:uuid:1' },
        { isNegated: false, kind: 'etag', value: '"I am an ETag"' },
      ],
    },
    { conditions: [{ isNegated: false, kind: 'etag', value: '"I am another ETag"' }] },
  ])
  const negated = parseIf('(Not <urn:uuid:1> <urn:uuid:2>)')
  t.deepEqual([...tokensOf(negated ?? [])], ['urn:uuid:2'])
  const tagged = parseIf('</r1> (<urn:uuid:1> [W/"a"]) (["b"]) <http://h/r2> (["c"])')
  t.deepEqual(
    tagged?.map(({ resource }) => resource),
    ['/r1', '/r1', 'http://h/r2'],
  )
})

test('any text is read as an If header without an error', (t) => {
  const word = fc.constantFrom(
    '(',
    ')',
    '<',
    '>',
    '[',
    ']',
    '"',
    'Not',
    ' ',
    '<a>',
    '["e"]',
    '(<a>)',
    'x',
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 300 }), (words) => {
      const lists = parseIf(words.join(''))
      return lists === undefined || lists.every(({ conditions }) => conditions.length > 0)
    }),
  )
  t.pass()
})

const textOf = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => isWellFormed(text))

test('any text is well-formed once it is written as XML', (t) => {
  fc.assert(
    fc.property(textOf, (text) => {
      const root = parseXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`)
      return root.children.every((child) => typeof child === 'string')
    }),
  )
  t.pass()
})

interface Drawn {
  readonly local: string
  readonly namespace: string
  readonly children: readonly (Drawn | string)[]
}

const drawn = fc.letrec<{ element: Drawn }>((tie) => ({
  element: fc.record({
    local: fc.constantFrom('a', 'b-c', 'é', '_x'),
    namespace: fc.constantFrom('', 'DAV:', 'urn:x', 'http://a/?b&c'),
    children: fc.array(fc.oneof({ maxDepth: 3 }, fc.string({ maxLength: 8 }), tie('element')), {
      maxLength: 3,
    }),
  }),
})).element

test('what a property holds means the same after it was kept', (t) => {
  fc.assert(
    fc.property(drawn, (element) => {
      const inner = innerXml({ ...toXml(element), children: [toXml(element)] })
      const again = parseXml(`<D:prop xmlns:D="DAV:">${inner}</D:prop>`)
      return JSON.stringify(shape(again.children)) === JSON.stringify(shape([toXml(element)]))
    }),
  )
  t.pass()
})

test('any text is read as XML, or refused as none', (t) => {
  const word = fc.constantFrom(
    '<a>',
    '</a>',
    '<',
    '&',
    '&lt;',
    ']]>',
    '<![CDATA[',
    '<!--',
    '-->',
    '<?x',
    '"',
    "xmlns:b='c'",
    '<b:c/>',
    'x',
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      try {
        parseXml(words.join(''))
        return true
      } catch (error) {
        return error instanceof XmlError
      }
    }),
  )
  t.pass()
})

function toXml({ local, namespace, children }: Drawn): XmlElement {
  const inner = children.map((child) => (typeof child === 'string' ? child : toXml(child)))
  return { local, namespace, attributes: [], children: inner }
}

/** Text that stands in pieces is the same text; carriage returns and control characters have no place in XML. */
function shape(children: readonly (XmlElement | string)[]): unknown[] {
  const shaped: unknown[] = []
  for (const child of children) {
    if (typeof child !== 'string') {
      shaped.push([child.namespace, child.local, shape(child.children)])
      continue
    }
    const last = shaped.at(-1)
    if (child === '') continue
    if (typeof last === 'string') shaped[shaped.length - 1] = last + child
    else shaped.push(child)
  }
  return shaped
}

/** Half of a surrogate pair is no character and has no UTF-8. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}
