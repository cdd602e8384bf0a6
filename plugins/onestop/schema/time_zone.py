"""The time zone of every clock in the product; deadlines are dates in it."""

from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
