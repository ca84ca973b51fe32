/** Knows how to read the small XML bodies of WebDAV requests into a tree, within bounds. */
import { SaxesParser, type SaxesTagNS } from 'saxes'
import { davNamespace } from './xml-writing.js'

export interface XmlAttribute {
  readonly namespace: string
  readonly local: string
  readonly value: string
}

export interface XmlElement {
  readonly namespace: string
  readonly local: string
  readonly attributes: readonly XmlAttribute[]
  /** The language of its text (`xml:lang`), its own or inherited. */
  readonly language?: string
  readonly children: (XmlElement | string)[]
}

/** The body is no XML, or more of it than a client could mean. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
}

const depthMax = 32
const nodesMax = 10_000
const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'

/** Throws XmlError. Entities beyond XML's own five are not known, and document types are refused. */
export function parseXml(text: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true })
  const open: XmlElement[] = []
  let root: XmlElement | undefined
  let nodes = 0
  const count = (): void => {
    nodes += 1
    if (nodes > nodesMax) throw new XmlError('The XML has too many parts.')
  }
  const addText = (piece: string): void => {
    count()
    open.at(-1)?.children.push(piece)
  }
  parser.on('error', (error) => {
    throw new XmlError(error.message)
  })
  parser.on('doctype', () => {
    throw new XmlError('A document type is not taken.')
  })
  parser.on('opentag', (tag) => {
    count()
    if (open.length >= depthMax) throw new XmlError('The XML is too deep.')
    const element = elementOf(tag, open.at(-1))
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  parser.on('closetag', () => {
    open.pop()
  })
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.write(text).close()
  if (root === undefined) throw new XmlError('There is no XML.')
  return root
}

export function isDav(node: XmlElement | string, local: string): node is XmlElement {
  return typeof node !== 'string' && node.namespace === davNamespace && node.local === local
}

export function davChild(element: XmlElement, local: string): XmlElement | undefined {
  return element.children.find((child): child is XmlElement => isDav(child, local))
}

export function elementsOf(element: XmlElement): XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string')
}

export function textOf(element: XmlElement): string {
  return element.children.map((child) => (typeof child === 'string' ? child : '')).join('')
}

function elementOf(tag: SaxesTagNS, parent: XmlElement | undefined): XmlElement {
  const all = Object.values(tag.attributes).filter(({ uri }) => uri !== xmlnsNamespace)
  const attributes = all.map(({ uri, local, value }) => ({ namespace: uri, local, value }))
  const own = attributes.find(({ namespace, local }) => {
    return namespace === xmlNamespace && local === 'lang'
  })
  const language = own?.value ?? parent?.language
  return {
    namespace: tag.uri,
    local: tag.local,
    attributes: attributes.filter((attribute) => attribute !== own),
    ...(language === undefined ? {} : { language }),
    children: [],
  }
}
