import { uuid } from './case-numbers.ts';
import type { Chance } from './chance.ts';
import { base32, base58 } from './encodings.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const FIGURES = '0123456789';
const BASE62 = `${LETTERS}${LETTERS.toUpperCase()}${FIGURES}`;
const words =
  'album archive article board cat design file forum foto gallery image index item list media news page photo post set thread user video view watch Übersicht фото 画像'.split(
    ' ',
  );

type Write = (c: Chance) => string;

const figures = (c: Chance, length: number) => c.text(FIGURES, length);
const hex = (c: Chance, bytes: number) => c.bytes(bytes).toString('hex');
const word = (c: Chance) => c.pick(words);
const slug = (c: Chance) => Array.from({ length: 1 + c.below(5) }, () => word(c)).join('-');
const name = (c: Chance) => `${c.text(LETTERS, 3 + c.below(12))}.example`;
const suffix = (c: Chance) =>
  c.pick(['jpg', 'jpeg', 'png', 'webp', 'gif', 'mp4', 'webm', 'zip', 'rar', '7z', 'html', 'php']);
const second = (c: Chance) => String(1_700_000_000 + c.below(99_999_999));

const hosts: readonly Write[] = [
  name,
  (c) => `www.${name(c)}`,
  (c) => `cdn-${c.below(99)}.${name(c)}`,
  (c) => `${hex(c, 16)}.${name(c)}`,
  (c) => `${c.text(LETTERS + FIGURES, 20)}.cloudfront.${name(c)}`,
  (c) => `b${base32(c.bytes(36)).toLowerCase()}.ipfs.${name(c)}`,
  (c) => `xn--bcher-kva.${name(c)}`,
  (c) => `${base32(c.bytes(35)).toLowerCase()}.onion`,
  (c) => `host-${c.below(999)}.test:${8000 + c.below(999)}`,
];

const paths: readonly Write[] = [
  () => '/',
  (c) => `/${slug(c)}/${figures(c, 7)}`,
  (c) => `/f/${c.text(BASE62, 11)}/${slug(c)}.${suffix(c)}`,
  (c) => `/file/${c.text(BASE62, 8)}`,
  (c) => `/${hex(c, 1)}/${hex(c, 1)}/${hex(c, 16)}.${suffix(c)}`,
  (c) => `/image/${hex(c, 20)}/${figures(c, 3)}x${figures(c, 3)}.${suffix(c)}`,
  (c) => `/sha256/${hex(c, 32)}`,
  (c) => `/md5/${hex(c, 16)}.${suffix(c)}`,
  (c) => `/blob/${uuid(c)}`,
  (c) => `/ipfs/Qm${base58(c.bytes(32)).padEnd(44, 'x').slice(0, 44)}/${word(c)}.${suffix(c)}`,
  (c) => `/b/res/${figures(c, 9)}.html`,
  (c) => `/b/src/${figures(c, 13)}.${suffix(c)}`,
  (c) => `/joinchat/${c.bytes(16).toString('base64url')}`,
  (c) => `/+${c.text(BASE62, 16)}`,
  (c) => `/web/20261120101500/https://${name(c)}/${slug(c)}`,
  (c) => `/v/t39.30808-6/${figures(c, 9)}_${figures(c, 17)}_${figures(c, 18)}_n.${suffix(c)}`,
  (c) => `/a;jsessionid=${hex(c, 16).toUpperCase()}.node${c.below(9)}`,
  (c) => `/thumb/${uuid(c)}_preview.${suffix(c)}`,
  (c) => `/~${word(c)}/${encodeURIComponent(`${word(c)} ${word(c)}`)}/`,
  (c) => `/storage/v1/object/sign/media/${c.bytes(32).toString('base64url')}.${suffix(c)}`,
  (c) => `/wp-content/uploads/2026/11/image-${figures(c, 4)}-${figures(c, 3)}x${figures(c, 3)}.${suffix(c)}`,
];

const parameters: readonly Write[] = [
  (c) => `id=${figures(c, 9)}`,
  (c) => `id=${hex(c, 16)}`,
  (c) => `id=${uuid(c)}`,
  (c) => `file=${hex(c, 20)}.${suffix(c)}`,
  (c) => `f=${c.bytes(32).toString('base64url')}`,
  (c) => `t=${figures(c, 6)}&page=${c.below(90)}&s=${hex(c, 16)}`,
  (c) => `f=${c.below(90)}&t=${figures(c, 5)}&sid=${hex(c, 16)}`,
  (c) => `PHPSESSID=${c.text(LETTERS + FIGURES, 26)}`,
  (c) => `topic=${figures(c, 5)}.msg${figures(c, 6)}`,
  (c) => `attachmentid=${figures(c, 6)}&d=${second(c)}&thumb=1`,
  (c) => `_nc_cat=1&_nc_ohc=${c.bytes(24).toString('base64url')}&oh=${hex(c, 16)}&oe=${hex(c, 4).toUpperCase()}`,
  (c) =>
    `Expires=${second(c)}&Signature=${c.bytes(256).toString('base64').replaceAll('+', '-').replaceAll('/', '~').replaceAll('=', '_')}&Key-Pair-Id=K${c.text(LETTERS.toUpperCase() + FIGURES, 13)}`,
  (c) =>
    `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA${c.text(`${LETTERS.toUpperCase()}234567`, 16)}%2F20261120%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20261120T101500Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=${hex(c, 32)}`,
  (c) =>
    `X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Security-Token=${encodeURIComponent(c.bytes(300).toString('base64'))}&X-Amz-Signature=${hex(c, 32)}`,
  (c) => `X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Date=20261120T101500Z&X-Goog-Signature=${hex(c, 256)}`,
  (c) =>
    `sv=2024-11-04&se=2026-11-21T10%3A15%3A00Z&sr=b&sp=r&sig=${encodeURIComponent(c.bytes(32).toString('base64'))}`,
  (c) =>
    `response-content-disposition=attachment%3B%20filename%3D%22${word(c)}.${suffix(c)}%22&response-content-type=image%2Fjpeg`,
  (c) => `token=eyJhbGciOiJIUzI1NiJ9.${c.bytes(90).toString('base64url')}.${c.bytes(32).toString('base64url')}`,
  (c) => `e=${second(c)}&st=${c.bytes(16).toString('base64url')}`,
  (c) => `h=${hex(c, 20)}&w=1200&format=image%2Fwebp&quality=80`,
  (c) => `fbclid=IwAR${c.bytes(42).toString('base64url')}`,
  (c) => `gclid=${c.bytes(66).toString('base64url')}&utm_source=${word(c)}&utm_medium=cpc`,
  (c) => `url=${encodeURIComponent(`https://${name(c)}/${hex(c, 16)}.${suffix(c)}?id=${hex(c, 16)}`)}`,
  (c) => `q=${encodeURIComponent(`${word(c)} ${word(c)}`)}&tbm=isch`,
  (c) => `share=${uuid(c)}&checksum=${c.below(2)}`,
  (c) => `hash=${c.text(LETTERS + FIGURES, 10)}&dl=1`,
  (c) => `v=${hex(c, 4)}`,
  (c) => `cid=${figures(c, 8)}&integrity=1&image=${word(c)}.${suffix(c)}`,
  (c) => `${hex(c, 16)}`,
];

const fragments: readonly Write[] = [
  (c) => `p${figures(c, 7)}`,
  (c) => figures(c, 9),
  (c) => c.bytes(32).toString('base64url'),
  (c) => `!${c.text(BASE62, 8)}!${c.bytes(32).toString('base64url')}`,
  (c) => hex(c, 20),
  (c) => `/post/${figures(c, 6)}?page=${c.below(9)}`,
  (c) => `:~:text=${word(c)}`,
  (c) => `gid=${figures(c, 6)}&pid=${c.below(90)}`,
  (c) => `image-${c.below(40)}`,
  (c) => `lg=1&slide=${c.below(40)}`,
];

/** An address of the shapes that file hosts, image boards, forums, shops of storage and their networks have; invented. */
export function address(c: Chance): string {
  const host = c.pick(hosts)(c);
  const path = c.pick(paths)(c);
  const query = c.below(2) === 0 ? `?${c.pick(parameters)(c)}` : '';
  const fragment = c.below(5) === 0 ? `#${c.pick(fragments)(c)}` : '';
  return `${c.pick(['https', 'https', 'https', 'http'])}://${host}${path}${query}${fragment}`;
}
