"""What commands say: nights, results, the doctor's checks."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # onestop night
    "night {night}": "đêm {night}",
    "night {night} is published": "đêm {night} đã công bố",
    "{file}: refused, {rule}: {reason}": "{file}: bị từ chối, {rule}: {reason}",
    "{file}: loaded before": "{file}: đã nạp từ trước",
    "{file}: {counts}": "{file}: {counts}",
    "{read}, {accepted} accepted, {rejected} rejected{repeated}{blank}{skipped}{warned}": (
        "{read}, nhận {accepted}, loại bỏ {rejected}{repeated}{blank}{skipped}{warned}"
    ),
    "1 row read": "đọc 1 dòng",
    "{count} rows read": "đọc {count} dòng",
    ", {count} repeated": ", lặp {count}",
    ", {count} blank or title": ", trống hoặc tiêu đề {count}",
    ", {count} left out by the mapping": ", bỏ qua theo ánh xạ {count}",
    "; warnings: {count}": "; lưu ý: {count}",
    "the rejected rows: onestop rejected --night {night}": (
        "các dòng bị loại: onestop rejected --night {night}"
    ),
    "the warnings: {page}": "các lưu ý: {page}",
    # what other commands end with
    "{files} in {folder}: {rows} of {dossiers}, {tickets}, {bad} made faulty on purpose": (
        "{files} trong {folder}: {rows} của {dossiers}, {tickets}, {bad} cố ý làm sai"
    ),
    "{file} is written": "đã ghi {file}",
    "the form is an XLSX file; let the name {file} end in .xlsx": (
        "biểu là tệp XLSX; hãy để tên {file} kết thúc bằng .xlsx"
    ),
    "night {night}: all published figures are identical ({figures}) when recomputed from {files}": (
        "đêm {night}: mọi số liệu đã công bố giống hệt ({figures}) khi tính lại từ {files}"
    ),
    "night {night}: {differences}": "đêm {night}: {differences}",
    "{folder}: the warehouse ({nights}), {files} ({new} new)": (
        "{folder}: kho dữ liệu ({nights}), {files} ({new} mới)"
    ),
    "{backup} is restored ({nights}), {files}; run `onestop verify` to check its figures": (
        "đã khôi phục {backup} ({nights}), {files}; chạy `onestop verify` để soát số liệu"
    ),
    "the warehouse holds every night that landing/ lists": (
        "kho dữ liệu có đủ mọi đêm mà landing/ ghi"
    ),
    "published again: {nights}, {first} to {last}; run the next night: files that came after the"
    " last one are loaded from the exports": (
        "đã công bố lại: {nights}, từ {first} đến {last}; hãy chạy đêm tiếp theo: tệp đến sau đêm"
        " cuối được nạp từ tệp xuất"
    ),
    "the warehouse has schema {version}": "kho dữ liệu có cấu trúc {version}",
    "{rule}: {count} would be deleted, {size} MB": "{rule}: sẽ xóa {count}, {size} MB",
    "{rule}: {count} deleted, {size} MB": "{rule}: đã xóa {count}, {size} MB",
    "nothing is past its retention": "không có gì hết thời hạn lưu",
    # onestop doctor: settings, clock
    "{name} is set, and nothing reads it": "biến {name} được đặt nhưng không nơi nào đọc",
    "correct its name, or unset it": "sửa tên biến, hoặc bỏ đi",
    "{inner} lies in {outer}": "{inner} nằm trong {outer}",
    "keep landing/ apart: what is below it counts as evidence": (
        "để riêng landing/: mọi thứ trong đó được coi là bằng chứng"
    ),
    "warehouse {warehouse}; {folders}": "kho dữ liệu {warehouse}; {folders}",
    "the clock says {now}, what was published {latest}": (
        "đồng hồ chỉ {now}, số liệu đã công bố lúc {latest}"
    ),
    "set the clock and keep it set (chrony, systemd-timesyncd)": (
        "chỉnh đồng hồ và giữ cho đúng (chrony, systemd-timesyncd)"
    ),
    "{now} in Asia/Ho_Chi_Minh (UTC{offset})": "{now} giờ Asia/Ho_Chi_Minh (UTC{offset})",
    "reinstall the time zone data (tzdata): Việt Nam is UTC+7": (
        "cài lại dữ liệu múi giờ (tzdata): Việt Nam là UTC+7"
    ),
    # retention, mappings, suites, days off
    "{count} rules; refused deliveries {days}": "{count} quy tắc; tệp bị từ chối {days}",
    "for ever": "giữ mãi",
    "{file}: {key}: {problem}; its source is not read": (
        "{file}: {key}: {problem}; nguồn này không được đọc"
    ),
    "{suites} suites with {rules} rules load": "nạp được {suites} bộ với {rules} quy tắc",
    "the days off of {year} are reviewed": "ngày nghỉ năm {year} đã được duyệt",
    "sql/reference/day_off.csv has no reviewed days off of {year}: only weekends count as days"
    " off": (
        "sql/reference/day_off.csv chưa có ngày nghỉ năm {year} đã duyệt: chỉ tính thứ Bảy, Chủ"
        " nhật là ngày nghỉ"
    ),
    "add the days off that the Prime Minister announced for {year}, verified = true": (
        "thêm các ngày nghỉ mà Thủ tướng đã công bố cho năm {year}, verified = true"
    ),
    # exports
    "refused: {files}: {problem}": "bị từ chối: {files}: {problem}",
    "{folder}: {files}": "{folder}: {files}",
    "{folder}: {files}, {count} that match no mapping, such as {example}": (
        "{folder}: {files}, {count} tệp không khớp ánh xạ nào, như {example}"
    ),
    "have the source systems export, or set ONESTOP_EXPORTS": (
        "cho các hệ thống nguồn xuất tệp, hoặc đặt ONESTOP_EXPORTS"
    ),
    "name them as a mapping expects, add a mapping, or take them away": (
        "đặt tên theo ánh xạ, thêm ánh xạ, hoặc bỏ các tệp đó đi"
    ),
    "1 file": "1 tệp",
    "{count} files": "{count} tệp",
    # warehouse and publication
    "{problem} yet": "{problem}, chưa được tạo",
    "the first night makes it": "đêm đầu tiên sẽ tạo",
    "schema {version}, {count} schema files behind this release": (
        "cấu trúc {version}, còn {count} tệp cấu trúc của phiên bản này chưa áp dụng"
    ),
    "take a backup; the next night upgrades it, or `onestop migrate` now": (
        "sao lưu trước; đêm tiếp theo sẽ nâng cấp, hoặc chạy `onestop migrate` ngay"
    ),
    "{warehouse} opens, schema {version}": "{warehouse} mở được, cấu trúc {version}",
    "no night is published yet": "chưa đêm nào được công bố",
    "run `onestop night` for the first one": "chạy `onestop night` cho đêm đầu tiên",
    "night {last} is the last one published; night {due} should be": (
        "đêm công bố cuối cùng là {last}; lẽ ra đã có đêm {due}"
    ),
    "look at Airflow's last runs, then run `onestop night {span}`": (
        "xem các lần chạy gần nhất trong Airflow, rồi chạy `onestop night {span}`"
    ),
    "night {night}: {state}: {message}": "đêm {night}: {state}: {message}",
    "correct what it names and run the night again": "sửa điều đã nêu rồi chạy lại đêm đó",
    "refused files of night {last}, not loaded since: {files} (all refusals: onestop deliveries"
    " --state refused); rejected rows of all nights, still open: {rows} (onestop rejected --state"
    " open)": (
        "tệp bị từ chối của đêm {last}, đến nay chưa được nạp: {files} (mọi lần từ chối: onestop"
        " deliveries --state refused); dòng bị loại của mọi đêm chưa xử lý: {rows} (onestop"
        " rejected --state open)"
    ),
    "units with data that the register lacks: {count}, such as {example}; they count for the city,"
    " not for a level": (
        "đơn vị có dữ liệu mà danh sách đơn vị không có: {count}, như {example}; được tính cho"
        " thành phố, không cho cấp nào"
    ),
    "have them added to the register (feed units) with their level": (
        "đề nghị bổ sung vào danh sách đơn vị (units) kèm cấp"
    ),
    "run the last published night again; it makes the copy": (
        "chạy lại đêm công bố cuối cùng; đêm đó tạo bản sao"
    ),
    "the readers' copy {copy} is not there": "không có bản sao cho người đọc {copy}",
    "the readers' copy {copy} holds it": "bản sao cho người đọc {copy} có đêm đó",
    "the readers' copy holds an earlier night": "bản sao cho người đọc là của đêm trước",
    # landing, disk, Airflow
    "{folder} is not there yet": "chưa có {folder}",
    "{folder} holds personal data and is open to everybody ({mode})": (
        "{folder} có dữ liệu cá nhân mà ai cũng vào được ({mode})"
    ),
    "{folder} may not be written ({mode})": "không ghi được vào {folder} ({mode})",
    "run as the pipeline's user": "chạy bằng người dùng của hệ thống",
    "{folder} belongs to user {owner}, and this is user {user}": (
        "{folder} thuộc người dùng {owner}, còn đây là người dùng {user}"
    ),
    "run as the pipeline's user, so that what is written stays its own": (
        "chạy bằng người dùng của hệ thống, để tệp ghi ra vẫn thuộc người dùng đó"
    ),
    "it is a replica that receives nothing": "đây là bản sao không nhận được gì",
    "it is a replica, {seconds} seconds behind": "đây là bản sao, chậm {seconds} giây",
    "check primary_conninfo and the replication slot; see docs/scale-workers.md": (
        "kiểm tra primary_conninfo và replication slot; xem docs/scale-workers.md"
    ),
    "end long queries there, or give it more processors and faster disks": (
        "kết thúc các truy vấn dài ở đó, hoặc cấp thêm bộ xử lý và ổ đĩa nhanh hơn"
    ),
    "{store} answers, and keeps what is written once": (
        "{store} trả lời và giữ nguyên những gì chỉ ghi một lần"
    ),
    "{store} overwrites what is to be written once": (
        "{store} ghi đè lên những gì chỉ được ghi một lần"
    ),
    "use storage that knows If-None-Match for PutObject": (
        "hãy dùng kho lưu trữ hỗ trợ If-None-Match cho PutObject"
    ),
    "{folder} is closed to others ({mode})": "{folder} đã đóng với người khác ({mode})",
    "{room} GiB free for {names}": "còn trống {room} GiB cho {names}",
    "{room} GiB free for {names}, and publishing needs {needed}": (
        "còn trống {room} GiB cho {names}, mà công bố cần {needed}"
    ),
    "make room: `onestop housekeeping --dry-run` lists what can be deleted; or add disk": (
        "dọn chỗ: `onestop housekeeping --dry-run` liệt kê những gì xóa được; hoặc thêm ổ đĩa"
    ),
    "everybody who reaches Airflow's pages is its administrator": (
        "ai vào được trang Airflow cũng là quản trị viên"
    ),
    "unset AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": (
        "bỏ biến AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"
    ),
    "asks who logs in": "có hỏi người đăng nhập",
    "see docs/operations.md": "xem docs/operations.md",
    "{engine} computes the marts": "{engine} tính các bảng số liệu",
    "Apache Spark at {address} computes the marts in full, from the files in {folder}": (
        "Apache Spark tại {address} tính lại toàn bộ các bảng số liệu, từ các tệp trong {folder}"
    ),
    "pyspark is not installed": "chưa cài pyspark",
    "Spark Connect lacks {names}": "Spark Connect thiếu {names}",
    "install it: {how}": "hãy cài: {how}",
    "there is no Java runtime": "máy không có Java",
    "{java} does not run": "không chạy được {java}",
    "Java {found} is too old: Spark needs {needed}": (
        "Java {found} quá cũ: Spark cần {needed} trở lên"
    ),
    "install a Java runtime (Debian: openjdk-17-jre-headless), or set JAVA_HOME": (
        "hãy cài Java (Debian: openjdk-17-jre-headless), hoặc đặt JAVA_HOME"
    ),
    "nothing answers at {address}": "không có gì trả lời tại {address}",
    "start the cluster, or correct ONESTOP_COMPUTE": (
        "hãy khởi động cụm máy, hoặc sửa ONESTOP_COMPUTE"
    ),
    # names of the doctor's checks
    "settings": "cài đặt",
    "clock": "đồng hồ",
    "mappings": "ánh xạ",
    "suites": "bộ quy tắc",
    "days_off": "ngày nghỉ",
    "retention": "thời hạn lưu",
    "exports": "tệp xuất",
    "warehouse": "kho dữ liệu",
    "compute": "nơi tính",
    "store": "kho lưu trữ",
    "landing": "landing",
    "disk": "ổ đĩa",
    "airflow": "Airflow",
}
