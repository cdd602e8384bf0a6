"""Packages of provinces, and the nation's figures."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # packages of provinces
    "{file}: night {night}, {size} KB": "{file}: đêm {night}, {size} KB",
    "the file is too large: {size} MB, and a package has at most {most} MB": (
        "tệp quá lớn: {size} MB, mà một gói số liệu có nhiều nhất {most} MB"
    ),
    "the file is no package of this format ({part})": (
        "tệp không phải gói số liệu theo định dạng này ({part})"
    ),
    "its format has version {version}, and this release reads version {known}": (
        "định dạng của gói là phiên bản {version}, còn phần mềm này đọc phiên bản {known}"
    ),
    "{table}: its bytes are not those that the manifest lists": (
        "{table}: nội dung không phải là nội dung ghi trong bản kê"
    ),
    "{table}: its content is not of the format ({part})": (
        "{table}: nội dung không đúng định dạng ({part})"
    ),
    "{table}: a required cell is empty": "{table}: có ô bắt buộc bị trống",
    "the registry has no province {province}": "danh sách tỉnh không có tỉnh {province}",
    "the signature is by no key of {province} (it names key {key})": (
        "chữ ký không phải của khóa nào của {province} (gói ghi khóa {key})"
    ),
    "key {key} of {province} is not valid on {day}": (
        "khóa {key} của {province} không có hiệu lực ngày {day}"
    ),
    "night {night} is not over yet": "đêm {night} chưa kết thúc",
    "night {night} was published in the future, at {moment}": (
        "đêm {night} có giờ công bố ở tương lai: {moment}"
    ),
    "the figures break {rule}: {message}": "số liệu trái quy tắc {rule}: {message}",
    "the figures break {rule}": "số liệu trái quy tắc {rule}",
    "the figures are not those whose digest the publication has": (
        "số liệu không phải là số liệu có mã băm của lần công bố"
    ),
    "night {night}, published at {moment}, is older than night {held}, which is held": (
        "đêm {night}, công bố lúc {moment}, cũ hơn đêm {held} đang có"
    ),
    "the same publication of night {night} is held with other content": (
        "đã có chính lần công bố này của đêm {night} với nội dung khác"
    ),
    "the file could not be read ({part})": "không đọc được tệp ({part})",
    "the address redirects to {host}; redirects are not followed": (
        "địa chỉ chuyển hướng đến {host}; phần mềm không đi theo chuyển hướng"
    ),
    "{file}: refused, {rule}: {reason}; {remedy}": (
        "{file}: bị từ chối, {rule}: {reason}; {remedy}"
    ),
    "ask the province to send the package again": "hãy đề nghị tỉnh gửi lại gói số liệu",
    "ask the province to run `onestop verify` and to package the night again": (
        "hãy đề nghị tỉnh chạy `onestop verify` rồi tạo lại gói số liệu của đêm đó"
    ),
    "ask the province, by a second way, for its code and key; if the registry is wrong, correct it"
    " and run `onestop federate --retry`": (
        "hãy hỏi tỉnh về mã và khóa qua một kênh khác; nếu danh sách tỉnh sai thì sửa lại và chạy"
        " `onestop federate --retry`"
    ),
    "install the release that reads this version": (
        "hãy cài phiên bản phần mềm đọc được định dạng này"
    ),
    "nothing needs to be done: the later figures count": (
        "không cần làm gì: số liệu mới hơn đang được dùng"
    ),
    "ask the province which one is right": "hãy hỏi tỉnh bản nào đúng",
    "compare this machine's clock with that of the province; once the night is over, run"
    " `onestop federate --retry`": (
        "hãy so đồng hồ của máy này với đồng hồ của tỉnh; khi đêm đã hết, chạy"
        " `onestop federate --retry`"
    ),
    "if it is refused again, check the place and the rights to read it": (
        "nếu vẫn bị từ chối, hãy kiểm tra nơi lưu tệp và quyền đọc tệp"
    ),
    "{file}: {province}, night {night}": "{file}: {province}, đêm {night}",
    "{file}: {province}, night {night}; it replaces night {earlier} and restates {figures}": (
        "{file}: {province}, đêm {night}; thay cho đêm {earlier} và đổi {figures}"
    ),
    "{files} read: {new} taken in, {repeated} held before, {refused} refused": (
        "đã đọc {files}: nhận {new}, đã có từ trước {repeated}, từ chối {refused}"
    ),
    "no package is in force yet": "chưa có gói số liệu nào được dùng",
    "the nation's night {night} is published with {are_in} of {total} provinces": (
        "đã công bố số liệu cả nước của đêm {night} với {are_in} trên {total} tỉnh"
    ),
    "the nation's night {night} can no longer be published: night {later} is": (
        "không thể công bố số liệu cả nước của đêm {night} nữa: đã công bố đêm {later}"
    ),
    "the nation's night {night} waits for {provinces}: {are_in} of {total} are in": (
        "số liệu cả nước của đêm {night} còn chờ {provinces}: đã có {are_in} trên {total}"
    ),
    "nothing new is published for the nation's night {night}: {are_in} of {total} provinces are"
    " in": (
        "không có gì mới để công bố cho đêm {night} của cả nước: đã có {are_in} trên {total} tỉnh"
    ),
    "{province} is late: its last night is {night}": "{province} chậm: đêm cuối là {night}",
    "{province} is missing: no package so far": "{province} thiếu: chưa có gói số liệu nào",
    # keys, registry, places
    "check the place, the way to it and the rights to read it (Connection onestop_packages); the"
    " packages at all other places are taken in": (
        "hãy kiểm tra nơi đó, đường mạng đến đó và quyền đọc (Connection onestop_packages); gói số"
        " liệu ở mọi nơi khác vẫn được nhận"
    ),
    "there is a file already; a key is never replaced": "đã có tệp này; khóa không bao giờ bị thay",
    "name a new file, and keep the earlier key until the national office has the new one": (
        "hãy đặt tên tệp mới, và giữ khóa cũ cho đến khi cơ quan trung ương có khóa mới"
    ),
    "the key cannot be read ({why})": "không đọc được khóa ({why})",
    "make one with `onestop package --new-key FILE`, or set ONESTOP_PACKAGE_KEY": (
        "hãy tạo khóa bằng `onestop package --new-key TỆP`, hoặc đặt ONESTOP_PACKAGE_KEY"
    ),
    "others may read the private key ({mode})": "người khác đọc được khóa bí mật ({mode})",
    "run `chmod 600 {path}`; if others had access, make a new key": (
        "hãy chạy `chmod 600 {path}`; nếu người khác đã đọc được thì tạo khóa mới"
    ),
    "is no unencrypted Ed25519 key in PEM": "không phải khóa Ed25519 dạng PEM không mã hóa",
    "make one with `onestop package --new-key FILE`": (
        "hãy tạo khóa bằng `onestop package --new-key TỆP`"
    ),
    "no key is named": "chưa nêu khóa nào",
    "make one with `onestop package --new-key FILE`, and set the variable to it": (
        "hãy tạo khóa bằng `onestop package --new-key TỆP`, rồi đặt biến này bằng tệp đó"
    ),
    "{code} is no code of a province": "{code} không phải mã tỉnh",
    "no province is named": "chưa nêu tỉnh nào",
    "set it to the code that the national registry has for this installation": (
        "hãy đặt bằng mã mà danh sách của trung ương ghi cho nơi cài đặt này"
    ),
    "an earlier release published it, without a digest of its rules": (
        "đêm này do một phiên bản trước công bố, không có mã băm của quy tắc"
    ),
    "package a night that this release published": "hãy gửi một đêm do phiên bản này công bố",
    "the figures kept for it are not those that were published: their digest differs": (
        "số liệu được giữ của đêm này không phải là số liệu đã công bố: mã băm khác nhau"
    ),
    "run `onestop verify`": "hãy chạy `onestop verify`",
    "the registry of provinces cannot be read ({why})": "không đọc được danh sách tỉnh ({why})",
    "write it as docs/federation.md says, and set ONESTOP_PROVINCES": (
        "hãy ghi theo docs/federation.md, rồi đặt ONESTOP_PROVINCES"
    ),
    "the registry of provinces needs correcting:\n  {problems}": (
        "danh sách tỉnh cần sửa:\n  {problems}"
    ),
    "line {line}: {problem}": "dòng {line}: {problem}",
    "the columns are to be {columns}": "các cột phải là {columns}",
    "it lists no province": "không có tỉnh nào",
    "it does not have {count} cells": "không có đủ {count} ô",
    "{code} is no province_code; use letters, digits, '.', '_' and '-'": (
        "{code} không phải province_code; hãy dùng chữ cái, chữ số, '.', '_' và '-'"
    ),
    "name_vi or name_en is empty": "name_vi hoặc name_en bị trống",
    "late_after_days is no number of days": "late_after_days không phải số ngày",
    "{code} has other names or another late_after_days in a line before": (
        "{code} có tên khác hoặc late_after_days khác ở dòng trước"
    ),
    "{code} has this key in a line before": "{code} đã có khóa này ở dòng trước",
    "public_key is no Ed25519 key; copy what `onestop package --new-key` prints": (
        "public_key không phải khóa Ed25519; hãy chép dòng mà `onestop package --new-key` in ra"
    ),
    "{column} is no date; write it as 2022-11-24": (
        "{column} không phải ngày; hãy ghi như 2022-11-24"
    ),
    "key_from is empty": "key_from bị trống",
    "packages are fetched by https only": "gói số liệu chỉ được lấy qua https",
    "use an https:// address": "hãy dùng địa chỉ https://",
    "the address holds a login, which would be printed": (
        "địa chỉ có tài khoản, mà địa chỉ thì được in ra"
    ),
    "serve packages without a login (they are signed and hold published figures), or fetch them by"
    " SFTP or S3": (
        "hãy cho tải gói mà không cần đăng nhập (gói có chữ ký và chỉ có số liệu đã công bố), hoặc"
        " lấy qua SFTP hay S3"
    ),
    "the schema national has version {version}, made by a newer release": (
        "lược đồ national có phiên bản {version}, do một phiên bản mới hơn tạo ra"
    ),
    "install the newer release": "hãy cài phiên bản mới hơn",
    "this installation has no national figures": "nơi cài đặt này không có số liệu cả nước",
    "no national figures are published yet": "chưa công bố số liệu cả nước",
    "run `onestop federate` with the packages of the provinces": (
        "hãy chạy `onestop federate` với gói số liệu của các tỉnh"
    ),
    "the nation's night {night} is not published": "chưa công bố đêm {night} của cả nước",
    "no registry of provinces is named": "chưa nêu danh sách tỉnh",
    "set it to the CSV file that docs/federation.md describes": (
        "hãy đặt bằng tệp CSV mà docs/federation.md mô tả"
    ),
    "no place of packages is named": "chưa nêu nơi có gói số liệu",
    "set it to folders and addresses, or name them after the command": (
        "hãy đặt bằng các thư mục và địa chỉ, hoặc ghi chúng sau lệnh"
    ),
    "{text} is no number of provinces from 1 to {most}": (
        "{text} không phải số tỉnh từ 1 đến {most}"
    ),
    "write it as 60": "hãy ghi như 60",
    "write it as 09:00": "hãy ghi như 09:00",
    # other commands in a national office
    "this national office has no night of a city of its own": (
        "cơ quan trung ương này không có đêm số liệu nào của một tỉnh riêng"
    ),
    "see the nation's figures with `onestop nation`": (
        "hãy xem số liệu cả nước bằng `onestop nation`"
    ),
    "see the nation's publications with `onestop nation --list publications`": (
        "hãy xem các lần công bố của cả nước bằng `onestop nation --list publications`"
    ),
    "the nation's night {night}": "đêm {night} của cả nước",
    "the nation's figures have schema {version}": "số liệu cả nước có lược đồ {version}",
    "{province}: the kept package {sha256} does not pass: {why}": (
        "{province}: gói đã lưu {sha256} không đạt: {why}"
    ),
    "national.{table}: not the sums of the kept packages: {figures}": (
        "national.{table}: không phải là tổng của các gói đã lưu: {figures}"
    ),
    "the nation's night {night}, publication {number}: {differences}": (
        "đêm {night} của cả nước, lần công bố {number}: {differences}"
    ),
    "the nation's night {night}, publication {number}: all figures are identical ({figures}) when"
    " added up from {packages}": (
        "đêm {night} của cả nước, lần công bố {number}: mọi số liệu giống hệt ({figures}) khi cộng"
        " lại từ {packages}"
    ),
    "{provinces} in the registry": "danh sách có {provinces}",
    "no key is valid on {day}: {provinces}": (
        "không có khóa nào còn hiệu lực ngày {day}: {provinces}"
    ),
    "have these provinces make a key, and add it to the registry": (
        "hãy đề nghị các tỉnh này tạo khóa, rồi ghi vào danh sách tỉnh"
    ),
    "{count} schema files behind this release": "còn thiếu {count} tệp lược đồ so với bản này",
    "take a backup; the next `onestop federate` upgrades it, or `onestop migrate`": (
        "hãy sao lưu; lần `onestop federate` tới sẽ nâng cấp, hoặc chạy `onestop migrate`"
    ),
    "packages refused in the last week: {count}": "số gói bị từ chối trong tuần qua: {count}",
    "see the reasons with `onestop nation --list packages`": (
        "hãy xem lý do bằng `onestop nation --list packages`"
    ),
    "see what came with `onestop nation --list packages`, then run `onestop federate`": (
        "hãy xem gói nào đã đến bằng `onestop nation --list packages`, rồi chạy `onestop federate`"
    ),
    "see who is not with `onestop nation --list provinces`": (
        "hãy xem tỉnh nào chưa có bằng `onestop nation --list provinces`"
    ),
    "the readers' copy lacks the nation's last publication": (
        "bản cho người đọc thiếu lần công bố cuối của cả nước"
    ),
    "run `onestop federate`; it makes the copy": "hãy chạy `onestop federate`; lệnh này tạo bản đó",
    "provinces": "các tỉnh",
    "nation": "cả nước",
    # tasks of Airflow
    "no package came since the last publication": (
        "không có gói số liệu nào đến sau lần công bố cuối"
    ),
    "no night of the nation is due": "không có đêm nào của cả nước đến giờ công bố",
    "nothing new is published": "không có gì mới để công bố",
}
